"""Makes values in the layout of django-cryptography, written from its description alone."""

from __future__ import annotations

import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SECRET_KEY = "secret key of the signed pickles, with enough letters"
DERIVED_KEY = hashlib.pbkdf2_hmac("sha256", SECRET_KEY.encode(), b"django-cryptography", 30_000)


def signed(content: bytes, *, key: bytes = DERIVED_KEY) -> bytes:
    """Encrypt and sign a pickle under `SECRET_KEY`, so that only its content can be refused."""
    padding = 16 - len(content) % 16
    iv = os.urandom(16)
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    blocks = encryptor.update(content + bytes([padding]) * padding) + encryptor.finalize()
    body = struct.pack(">BQ", 0x80, 1_790_000_000) + iv + blocks
    return body + hmac.digest(SECRET_KEY.encode(), body, "sha256")
