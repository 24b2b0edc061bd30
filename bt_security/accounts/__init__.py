"""What users do with their own account; reached through its URLs."""

from __future__ import annotations

__all__: list[str] = []
