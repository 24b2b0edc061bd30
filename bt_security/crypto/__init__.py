"""Key derivation, sealing keys and the sealed text format. Imports no Django."""

from __future__ import annotations

from bt_security.crypto.aad import Bound, aad_tail, associated_data, bound_bytes
from bt_security.crypto.envelope import (
    INDEX_LENGTH,
    PREFIX_LENGTH,
    SHORTEST_SEALED,
    Envelope,
    looks_sealed,
    parse_sealed,
)
from bt_security.crypto.kdf import LABEL, derive
from bt_security.crypto.sealing_key import SealingKey, sealing_key

__all__ = [
    "INDEX_LENGTH",
    "LABEL",
    "PREFIX_LENGTH",
    "SHORTEST_SEALED",
    "Bound",
    "Envelope",
    "SealingKey",
    "aad_tail",
    "associated_data",
    "bound_bytes",
    "derive",
    "looks_sealed",
    "parse_sealed",
    "sealing_key",
]
