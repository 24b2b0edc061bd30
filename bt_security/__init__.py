"""Encrypted model fields with key rotation, and account security for Django sites."""

from __future__ import annotations

__version__ = "0.1.0"
