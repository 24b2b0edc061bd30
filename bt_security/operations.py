"""Operations for a host's migrations that put sealed columns right on tables with rows."""

from __future__ import annotations

from bt_security.fields.index_operation import AddBlindIndex
from bt_security.fields.operations import GuardSealedColumn

__all__ = ["AddBlindIndex", "GuardSealedColumn"]
