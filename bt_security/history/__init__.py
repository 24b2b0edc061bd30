"""Login history: who logged in when and from where, for the account's owner."""

from __future__ import annotations

__all__: list[str] = []
