"""Who may sign the log here, and whose signatures count."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from bt_security.conf import conf
from bt_security.exceptions import SealingRefused
from bt_security.keys import purpose_keys, ring

SIGNING_PURPOSE = "audit-signing"
KEY_ID_CHARS = 16
FILE_MODE = 0o600

_PEM_END = b"-----END PUBLIC KEY-----"

Origin = Literal["option", "public key file", "signing key file", "derived"]
"""Where keys that count come from: a file given by hand, the settings' files, or the site's key."""


def key_id_of(key: Ed25519PublicKey) -> str:
    """Return the first 16 hexadecimal characters of the SHA-256 of the raw public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:KEY_ID_CHARS]


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that signs seals here; `is_derived` from the site's own."""

    key: Ed25519PrivateKey = field(repr=False)
    is_derived: bool

    @property
    def key_id(self) -> str:
        """What seals name the key by."""
        return key_id_of(self.key.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the Ed25519 signature, 64 bytes."""
        return self.key.sign(data)

    def public_pem(self) -> str:
        """Return the public key as PEM, for an auditor."""
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode("ascii")


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """The public keys whose seals count, by key id.

    `is_root_in_database`: they are derived, and the database holds the key they hang on, so
    whoever can change the log can sign it as well.
    """

    keys: Mapping[str, Ed25519PublicKey]
    origin: Origin
    is_root_in_database: bool = False

    @property
    def is_derived(self) -> bool:
        """Whether the application that writes the log could sign it as well."""
        return self.origin == "derived"

    def __contains__(self, key_id: object) -> bool:
        return key_id in self.keys

    def is_signed(self, data: bytes, *, key_id: str, signature: bytes) -> bool:
        """Whether a key that counts has signed these bytes."""
        key = self.keys.get(key_id)
        if key is None:
            return False
        try:
            key.verify(bytes(signature), data)
        except InvalidSignature:
            return False
        return True


def signer() -> Signer | None:
    """Return the key that signs here; None on a host that has public keys only.

    It is that of BT_SECURITY_AUDIT_SIGNING_KEY_FILE, else, where no public keys are configured,
    one derived from the site's own.

    Raises:
        SealingRefused: the file is not there, readable by others, or holds no Ed25519 key, or
            the configured public keys lack it: nobody would believe its seals.
        KeyRefused, OpenRefused: the derived key is not at hand.
    """
    if file := conf.audit.signing_key_file:
        found = Signer(_private_key(Path(file)), is_derived=False)
        if conf.audit.public_key_file and found.key_id not in trusted_keys():
            raise SealingRefused(
                "BT_SECURITY_AUDIT_PUBLIC_KEY_FILE lacks the key that signs: add what "
                "`seal_audit_log --public-key` prints"
            )
        return found
    if conf.audit.public_key_file:
        return None
    return Signer(_derived_keys()[0], is_derived=True)


def trusted_keys(public_key_file: str | None = None) -> TrustedKeys:
    """Return whose seals count: the keys of this file, else of the settings' one, else the own.

    Raises:
        SealingRefused: a file is not there or holds no such keys.
        KeyRefused, OpenRefused: the derived key is not at hand.
    """
    if public_key_file:
        return TrustedKeys(_by_id(_public_keys(Path(public_key_file))), "option")
    if file := conf.audit.public_key_file:
        return TrustedKeys(_by_id(_public_keys(Path(file))), "public key file")
    if file := conf.audit.signing_key_file:
        return TrustedKeys(_by_id([_private_key(Path(file)).public_key()]), "signing key file")
    own = _by_id(key.public_key() for key in _derived_keys())
    keys = ring()
    is_in_database = keys.source == "database" or keys.opens_database_key
    return TrustedKeys(own, "derived", is_root_in_database=is_in_database)


def generate_key(file: Path) -> Signer:
    """Write a new private key, readable by the owner only, and return it.

    Raises:
        FileExistsError: there is a file of this name; it is never overwritten.
        OSError: it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(pem)
        opened.flush()
        os.fsync(opened.fileno())
    return Signer(key, is_derived=False)


def _derived_keys() -> list[Ed25519PrivateKey]:
    """Return the keys of all generations, the newest first."""
    secrets = [key.secret for key in purpose_keys(SIGNING_PURPOSE)]
    return [Ed25519PrivateKey.from_private_bytes(secret) for secret in secrets]


def _by_id(keys: Iterable[Ed25519PublicKey]) -> dict[str, Ed25519PublicKey]:
    return {key_id_of(key): key for key in keys}


def _private_key(file: Path) -> Ed25519PrivateKey:
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            pem = opened.read()
    except OSError as error:
        raise SealingRefused(f"the signing key cannot be read: {type(error).__name__}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SealingRefused("the file of the signing key is open to others: chmod 600")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SealingRefused("the file of the signing key holds no Ed25519 key without password")
    return key


def _public_keys(file: Path) -> list[Ed25519PublicKey]:
    try:
        *blocks, rest = file.read_bytes().split(_PEM_END)
    except OSError as error:
        raise SealingRefused(f"the public keys cannot be read: {type(error).__name__}") from None
    try:
        keys = [load_pem_public_key(block + _PEM_END) for block in blocks]
    except (ValueError, UnsupportedAlgorithm):
        keys = []
    if not keys or rest.strip() or not all(isinstance(key, Ed25519PublicKey) for key in keys):
        raise SealingRefused("the file of public keys is not a list of Ed25519 keys in PEM")
    return [key for key in keys if isinstance(key, Ed25519PublicKey)]
