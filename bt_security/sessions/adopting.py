"""Moving the sessions of Django's own engine over, so that nobody is logged out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
)
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import router, transaction
from django.utils.crypto import constant_time_compare

from bt_security.sessions.content import Facts, identity
from bt_security.sessions.store import SealedSession

BATCH_ROWS = 500

Users = dict[str, AbstractBaseUser]


@dataclass
class Adopted:
    """What became of the rows of the old table."""

    moved: int = 0
    expired: int = 0
    unreadable: int = 0
    ended: int = 0
    unknown_backends: set[str] = field(default_factory=set)
    """Backends that moved sessions came in by, and that `AUTHENTICATION_BACKENDS` lacks."""

    @property
    def dropped(self) -> int:
        """How many were deleted and not moved."""
        return self.expired + self.unreadable + self.ended


def adopt(model: type[AbstractBaseSession], *, batch_rows: int = BATCH_ROWS) -> Adopted:
    """Move all rows of an old session table into the engine of `SESSION_ENGINE`.

    Each batch is one transaction that stores the sessions under the digests of their keys and
    deletes the old rows. Running it again moves what has come since. `ended` are sessions whose
    user is gone or has another password: Django would not let them in either.

    Raises:
        ImproperlyConfigured: `SESSION_ENGINE` is none of ours.
        StoreUnavailable: database or cache does not answer; the batch is left as it was.
    """
    _engine()
    total = Adopted()
    for rows in _batches(model, batch_rows):
        with transaction.atomic(using=router.db_for_write(model)):
            _adopt_batch(rows, total)
            model._base_manager.filter(pk__in=[row.pk for row in rows]).delete()
    return total


def _engine() -> type[SealedSession]:
    engine = import_module(settings.SESSION_ENGINE).SessionStore
    if not issubclass(engine, SealedSession):
        raise ImproperlyConfigured(
            f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}: set it to bt_security.sessions.db "
            "or bt_security.sessions.cache first."
        )
    return engine  # type: ignore[no-any-return]


def _batches(
    model: type[AbstractBaseSession], batch_rows: int
) -> Iterator[list[AbstractBaseSession]]:
    """Go through the table by its primary key; what is stored meanwhile may be left out."""
    rows = model._base_manager.using(router.db_for_write(model)).order_by("pk")
    batch = list(rows[:batch_rows])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk)[:batch_rows])


def _adopt_batch(rows: list[AbstractBaseSession], total: Adopted) -> None:
    read = [(row, row.get_decoded()) for row in rows]
    users = _users(values for _, values in read)
    now = time.time()
    for row, values in read:
        if row.expire_date.timestamp() <= now:
            total.expired += 1
        elif not values:
            total.unreadable += 1
        elif not _is_let_in(values, users):
            total.ended += 1
        elif _store(row, values):
            total.moved += 1
            backend = values.get(BACKEND_SESSION_KEY)
            if backend is not None and backend not in settings.AUTHENTICATION_BACKENDS:
                total.unknown_backends.add(str(backend))
        else:
            total.ended += 1


def _users(contents: Iterable[dict[str, Any]]) -> Users:
    model = get_user_model()
    wanted = []
    for values in contents:
        try:
            wanted.append(model._meta.pk.to_python(values.get(SESSION_KEY)))
        except ValidationError:  # of another user model, in the time before
            continue
    users = model._base_manager.using(router.db_for_write(model))
    found = users.filter(pk__in=[pk for pk in wanted if pk is not None])
    return {model._meta.pk.value_to_string(user): user for user in found}


def _is_let_in(values: dict[str, Any], users: Users) -> bool:
    """Whether Django would still let this session in: its user has the same password."""
    name = values.get(SESSION_KEY)
    if name is None:
        return True
    user = users.get(name)
    if user is None:
        return False
    stored = values.get(HASH_SESSION_KEY, "")
    good = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(stored, each) for each in good)


def _store(row: AbstractBaseSession, values: dict[str, Any]) -> bool:
    """Store one session under its key; False if it is there already or its user has just gone."""
    session = _engine()(row.session_key)
    left = row.expire_date.timestamp() - time.time()
    session.facts = Facts(deadline=time.time() + min(left, settings.SESSION_COOKIE_AGE))
    session._session_cache = values
    session._loaded = identity(values)
    try:
        session.save(must_create=True)
    except (CreateError, UpdateError):
        return False
    return True
