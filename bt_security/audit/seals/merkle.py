"""Merkle trees over entries, and proofs that one entry is in a seal.

Source: RFC 6962 section 2.1.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence

TAG_BYTES = 4

_NODE = b"\x01"
_sha256 = hashlib.sha256
_leaf_head = struct.Struct(">Bq").pack


def leaf(entry_id: int, row_hash: bytes, mac: bytes) -> bytes:
    """Return SHA-256(0x00 || id as 8 bytes || row_hash || mac)."""
    return _sha256(b"".join((_leaf_head(0, entry_id), row_hash, mac))).digest()


def leaf_tags(leaves: Sequence[bytes]) -> bytes:
    """Return the first four bytes of each leaf: they tell which one of a seal has changed."""
    return b"".join([value[:TAG_BYTES] for value in leaves])


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of leaves that are hashed already."""
    if not leaves:
        return _sha256(b"").digest()
    level = leaves
    while len(level) > 1:
        level = _above(level)
    return level[0]


def proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the hashes by which the root follows from the leaf at `index`, the nearest first.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    path: list[bytes] = []
    level = leaves
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _above(level), index // 2
    return path


def is_proof(
    path: Sequence[bytes], *, leaf: bytes, index: int, count: int, expected_root: bytes
) -> bool:
    """Whether `path` proves that `leaf` stands at `index` of the `count` leaves under a root.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < count:
        return False
    value, last, left = leaf, count - 1, list(path)
    while last:
        if index < last or index & 1:  # it has a sibling on this level
            if not left:
                return False
            sibling = left.pop(0)
            pair = sibling + value if index & 1 else value + sibling
            value = _sha256(_NODE + pair).digest()
        index, last = index // 2, last // 2
    return not left and hmac.compare_digest(value, expected_root)


def _above(level: Sequence[bytes]) -> list[bytes]:
    """Return the next level; a node without a sibling goes up as it is."""
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [_sha256(_NODE + left + right).digest() for left, right in pairs]
    if len(level) % 2:
        above.append(level[-1])
    return above
