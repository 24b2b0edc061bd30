"""Template tags for pages of the site."""

from __future__ import annotations
