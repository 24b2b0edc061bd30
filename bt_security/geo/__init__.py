"""Where an address is, by a provider of the site's choice."""

from __future__ import annotations

__all__: list[str] = []
