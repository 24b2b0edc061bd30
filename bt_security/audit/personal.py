"""Personal data of an entry: sealed under the data key of the person it is about.

The data key is an encrypted column, so rotation re-seals it and touches no entry. Erasing a
person deletes the key: every hash, MAC and seal stays valid, and the data is unreadable.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import IntegrityError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from bt_security.audit.canonical import clean_text
from bt_security.audit.packing import pack, unpack
from bt_security.exceptions import Tampered
from bt_security.models import AuditEntry, AuditSubjectKey

KEY_BYTES = 32
NONCE_BYTES = 12
ID_BITS = 63
SUBJECT_CHARS = 100
REMEMBERED_SECONDS = 60
REMEMBERED_KEYS = 1_024
DOMAIN = b"bt-audit-personal-1"


class _DataKey(NamedTuple):
    id: int
    cipher: AESGCM
    until: float

    def __repr__(self) -> str:
        return f"<data key {self.id}>"


_remembered: dict[tuple[str, str, str], _DataKey] = {}
_unsettled: WeakKeyDictionary[
    BaseDatabaseWrapper, dict[str, tuple[_DataKey, Callable[[], None]]]
] = WeakKeyDictionary()


@sensitive_variables("data", "said")
def seal_personal(data: Mapping[str, str], *, subject: str, uid: UUID) -> tuple[bytes, int]:
    """Return the sealed data and the id of its key; (b"", 0) where there is no data.

    Makes the person's key if there is none yet, in the caller's transaction. `subject` "" is
    everybody who is not logged in: their key is one per month, so that it can be dropped.

    Raises:
        KeyRefused: this process may not seal.
    """
    said = {name: value for name, value in data.items() if value}
    if not said:
        return b"", 0
    key = _data_key(clean_text(subject or anonymous_subject(), max_chars=SUBJECT_CHARS))
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.cipher.encrypt(nonce, pack(said), _bound(uid, key.id)), key.id


def open_personal(sealed: bytes, *, key_id: int, uid: UUID) -> dict[str, str] | None:
    """Return the personal data of an entry, None if it was erased; {} if there is none.

    Raises:
        Tampered: it does not open with its key.
        WrongKey, RetiredKey: the data key itself does not open.
    """
    if not sealed:
        return {}
    row = AuditSubjectKey.objects.using(_alias()).filter(pk=key_id).first()
    if row is None:
        return None
    return unsealed(sealed, secret=row.secret, key_id=key_id, uid=uid)


def unsealed(sealed: bytes, *, secret: bytes, key_id: int, uid: UUID) -> dict[str, str]:
    """Return what `sealed` holds, with the data key at hand.

    Raises:
        Tampered: it does not open with this key.
    """
    nonce, ciphertext = bytes(sealed[:NONCE_BYTES]), bytes(sealed[NONCE_BYTES:])
    try:
        return unpack(AESGCM(secret).decrypt(nonce, ciphertext, _bound(uid, key_id)))
    except (InvalidTag, ValueError):
        raise Tampered(model=AuditEntry._meta.label, field="personal") from None


def erase_keys(subject: str) -> int:
    """Delete the data key of a subject and return how many there were: 0 or 1."""
    forget()
    return AuditSubjectKey.objects.using(_alias()).filter(subject=subject).delete()[0]


def anonymous_subject() -> str:
    """Return the subject of everybody who is not logged in, this month."""
    return f"anonymous:{timezone.now():%Y-%m}"


def forget() -> None:
    """Forget every data key that this process remembers."""
    _remembered.clear()
    _unsettled.clear()


def _alias() -> str:
    return router.db_for_write(AuditEntry)


def _bound(uid: UUID, key_id: int) -> bytes:
    return DOMAIN + uid.bytes + key_id.to_bytes(8, "big")


def _data_key(subject: str) -> _DataKey:
    using = _alias()
    connection = connections[using]
    place = (using, str(connection.settings_dict["NAME"]), subject)
    known = _remembered.get(place) or _uncommitted(connection, subject)
    if known is not None and time.monotonic() < known.until:
        return known
    row = AuditSubjectKey.objects.using(using).filter(subject=subject).first()
    row = row or _make(using, subject)
    key = _DataKey(row.pk, AESGCM(row.secret), time.monotonic() + REMEMBERED_SECONDS)

    def remember() -> None:
        if len(_remembered) >= REMEMBERED_KEYS:
            _remembered.clear()
        _remembered[place] = key

    # Only a committed row: one that is rolled back would leave entries that nobody can open.
    transaction.on_commit(remember, using=using)
    if connection.in_atomic_block:
        _unsettled.setdefault(connection, {})[subject] = (key, remember)
    return key


def _uncommitted(connection: BaseDatabaseWrapper, subject: str) -> _DataKey | None:
    """Return a key that the open transaction read or made, unless that part was rolled back.

    Django drops the callbacks of a transaction or savepoint that it rolls back.
    """
    key, remember = _unsettled.get(connection, {}).get(subject, (None, None))
    if any(entry[1] is remember for entry in connection.run_on_commit):
        return key
    return None


def _make(using: str, subject: str) -> AuditSubjectKey:
    keys = AuditSubjectKey.objects.using(using)
    try:
        with transaction.atomic(using=using):
            return keys.create(
                pk=secrets.randbits(ID_BITS) or 1, subject=subject, secret=os.urandom(KEY_BYTES)
            )
    except IntegrityError:
        # Made by another transaction that has committed since: a locking read sees it even where
        # this transaction's snapshot is older.
        with transaction.atomic(using=using):
            return keys.select_for_update().get(subject=subject)
