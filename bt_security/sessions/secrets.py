"""What hides a session: the digest of its key, and the seal of its content.

Both hang on `SECRET_KEY`; what was made under one of `SECRET_KEY_FALLBACKS` is still found and
opened, and is stored anew under the current one.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.views.decorators.debug import sensitive_variables

from bt_security.conf.secret_key import derived_keys

ID_LABEL = b"bt-security/session-id/v1"
CONTENT_LABEL = b"bt-security/session-content/v1"
MARK_LABEL = b"bt-security/session-mark/v1"
DIGEST_PREFIX = "s1$"
NONCE_BYTES = 12


@sensitive_variables()
def digests(session_key: str) -> list[str]:
    """Return what a session is stored under: the current digest first, then older ones.

    HMAC-SHA-256: somebody who can insert rows cannot choose a key and compute its digest.
    """
    raw = session_key.encode("utf-8", "surrogatepass")
    keys = derived_keys(ID_LABEL)
    return [f"{DIGEST_PREFIX}{hmac.digest(key, raw, 'sha256').hex()}" for key in keys]


def mark_digests(mark: list[Any]) -> list[str]:
    """Return what the mark of a session looks like in its row: the current digest, then older."""
    raw = json.dumps(mark).encode("utf-8")
    return [hmac.digest(key, raw, "sha256").hex() for key in derived_keys(MARK_LABEL)]


def in_order(digests: list[str]) -> list[str]:
    """Return the digests as they have to be looked up: the current one, older ones, and again.

    Another request may move the session to its current digest between two look-ups.
    """
    return digests if len(digests) == 1 else [*digests, digests[0]]


def seal(content: bytes, digest: str, public_id: str) -> str:
    """Seal the content of the session that is stored under `digest`, behind its public id.

    Source: NIST SP 800-38D; a random nonce, digest and public id as additional data.
    """
    nonce = os.urandom(NONCE_BYTES)
    cipher = _cipher(derived_keys(CONTENT_LABEL)[0])
    box = cipher.encrypt(nonce, content, f"{digest}.{public_id}".encode())
    return f"{public_id}.{base64.b64encode(nonce + box).decode('ascii')}"


def opened(text: str, digest: str) -> bytes | None:
    """Return the content that was sealed under `digest`, None if it was not, or is changed."""
    public_id, _, box = text.partition(".")
    try:
        raw = base64.b64decode(box, validate=True)
        place = f"{digest}.{public_id}".encode()
    except ValueError:  # also what is no UTF-8
        return None
    for key in derived_keys(CONTENT_LABEL):
        try:
            return _cipher(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):  # ValueError: shorter than a nonce
            continue
    return None


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
