"""Mails of the package: sent after commit, never a reason for a failure."""

from __future__ import annotations

__all__: list[str] = []
