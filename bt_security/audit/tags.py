"""Keyed tags of addresses: entries of one address are found without the address being stored."""

from __future__ import annotations

import hmac

from bt_security.keys import purpose_keys

PURPOSE = "audit-address"
TAG_BYTES = 8


def address_tag(address: str) -> bytes:
    """Return the tag of an address under the newest key; b"" of no address."""
    return _tag(purpose_keys(PURPOSE)[0].secret, address) if address else b""


def address_tags(address: str) -> list[bytes]:
    """Return the tags under every key, newest first: what is looked up."""
    return [_tag(key.secret, address) for key in purpose_keys(PURPOSE)]


def _tag(secret: bytes, address: str) -> bytes:
    return hmac.digest(secret, address.encode(), "sha256")[:TAG_BYTES]
