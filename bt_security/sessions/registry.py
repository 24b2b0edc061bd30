"""The row of a session with what its user is like now, by one prepared SELECT."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import FieldDoesNotExist
from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    models,
    router,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from bt_security.exceptions import StoreUnavailable
from bt_security.models import Session
from bt_security.models.batches import delete_in_batches
from bt_security.models.session import SessionQuerySet
from bt_security.sessions import secrets
from bt_security.sessions.limits import Moment, idle_since

if TYPE_CHECKING:
    from bt_security.sessions.store import SealedSession

logger = logging.getLogger("bt_security.sessions")

UNREACHABLE = (OperationalError, InterfaceError)
ROLE_FIELDS = ("is_active", "is_staff", "is_superuser")
ROW_FIELDS = ("pk", "digest", "sealed", "last_seen_at", "expires_at", "user_id")
PASSWORD_DIGEST_CHARS = 16
ROUNDING = timedelta(seconds=1)

Mark = list[Any]


class Row(NamedTuple):
    """A stored session; `mark` is what its user is like now, None if it has none."""

    pk: int
    digest: str
    sealed: str
    last_seen_at: datetime
    expires_at: datetime
    user_pk: Any
    mark: Mark | None


Converter = Callable[[Sequence[Any], BaseDatabaseWrapper], list[Any]]


class _Prepared(NamedTuple):
    sql: str
    convert: Converter


def find(digests: list[str]) -> Row | None:
    """Return the session stored under one of these digests.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    alias = router.db_for_write(Session)  # a replica may not know yet what has ended
    connection = connections[alias]
    prepared = _prepare(alias, get_user_model(), connection.vendor)
    for digest in secrets.in_order(digests):
        try:  # without a context manager: every request comes by here
            with connection.cursor() as cursor:
                cursor.execute(prepared.sql, [digest])
                found = cursor.fetchone()
        except UNREACHABLE as error:
            raise _unreachable(error) from error
        if found is not None:
            return _row(prepared.convert(found, connection))
    return None


def find_public(public_id: str) -> Row | None:
    """Return the session of a public id.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    rows = Session.objects.using(router.db_for_write(Session)).filter(uuid=public_id)
    with _reachable():
        found = rows.values_list(*_names()).first()
    return None if found is None else _row(list(found))


def mark_of(user_pk: str) -> Mark | None:
    """Return what a user is like now, None if there is none of this primary key.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    model = get_user_model()
    users = model._base_manager.using(router.db_for_write(model)).filter(pk=user_pk)
    with _reachable():
        found = users.values_list(*_mark_fields()).first()
    return None if found is None else _mark(*found)


def is_of(row: Row, user_name: str | None) -> bool:
    """Whether a row is that of the user whose primary key the content of the session names."""
    if str(row.user_pk) == user_name:
        return True
    pk = get_user_model()._meta.pk  # whose text may be another than Python's
    return user_name is not None and bool(row.user_pk == pk.to_python(user_name))


def with_password(mark: Mark, other: Mark) -> Mark:
    """Return a mark with the password of another."""
    return [mark[0], other[1], *mark[2:]]


def with_everything_but_ends(mark: Mark, other: Mark) -> Mark:
    """Return another mark, which the end of all sessions since the first one ends all the same."""
    return [mark[0], *other[1:]]


def insert(session: SealedSession, digest: str, sealed: str) -> bool:
    """Store a new session; False if there is one under this digest.

    Raises:
        UpdateError: its user is gone.
        StoreUnavailable: the database does not answer.
    """
    now = timezone.now()
    values = _columns(session, digest, sealed)
    try:
        with writing():
            Session.objects.create(last_seen_at=now, **values)
    except IntegrityError:
        if Session.objects.using(router.db_for_write(Session)).with_digest([digest]).exists():
            return False
        raise UpdateError from None
    return True


def replace(session: SealedSession, old: str, new: str, sealed: str) -> bool:
    """Bring the row under `old` to what the session is now; False if it was ended meanwhile."""
    with _reachable():
        stored = Session.objects.with_digest([old])
        return stored.update(**_columns(session, new, sealed)) > 0


def is_as_stored(session: SealedSession, digest: str) -> bool:
    """Whether a row without content is what the session is now, so that a save writes nothing.

    A second more or less of its end is no difference: that is how far it is rounded.
    """
    values = _columns(session, digest, "")
    end = values.pop("expires_at")
    rows = Session.objects.using(router.db_for_write(Session)).filter(
        **values, expires_at__range=(end - ROUNDING, end + ROUNDING)
    )
    with _reachable():
        return rows.exists()


def remove(digests: list[str]) -> None:
    """Delete the rows of these digests."""
    with _reachable():
        Session.objects.with_digest(digests).delete()


def note_use(row: Row, moment: Moment) -> bool:
    """Write that a session is in use now; False if that was written a moment ago."""
    if not moment.should_note_use(row.last_seen_at):
        return False
    with _reachable():
        due = Session.objects.filter(pk=row.pk, last_seen_at__lte=moment.note_use_before)
        return due.update(last_seen_at=moment.now) > 0


def close(pk: int) -> bool:
    """Let a session be over now; False if it was before. A save of it opens it again."""
    now = timezone.now()
    with _reachable():
        return Session.objects.filter(pk=pk, expires_at__gt=now).update(expires_at=now) > 0


def drop(pk: int) -> bool:
    """Delete a session by what a new key of it does not change; False if it was gone."""
    with _reachable():
        return Session.objects.filter(pk=pk).delete()[0] > 0


def over() -> SessionQuerySet:
    """Return the rows of sessions that have reached a limit."""
    return Session.objects.over(idle_since=idle_since())


def delete_over() -> None:
    """Delete the rows of sessions that have reached a limit."""
    delete_in_batches(over())


def _columns(session: SealedSession, digest: str, sealed: str) -> dict[str, Any]:
    mark = session.facts.mark
    seconds = max(-1, session.get_expiry_age())
    return {
        "uuid": session.facts.uuid,
        "digest": digest,
        "sealed": sealed,
        "user_id": session.get(SESSION_KEY) if mark is not None else None,
        "epoch": mark[0] if mark is not None else 0,
        "mark": secrets.mark_digests(mark)[0] if mark is not None else "",
        "created_at": datetime.fromtimestamp(session.facts.created, UTC),
        "expires_at": timezone.now() + timedelta(seconds=seconds),
        "is_impersonated": session.facts.operator is not None,
    }


@contextmanager
def writing() -> Iterator[None]:
    """Write and report both or neither, in one transaction.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    with _reachable(), transaction.atomic(using=router.db_for_write(Session)):
        yield


@contextmanager
def _reachable() -> Iterator[None]:
    """Turn the errors of a database that does not answer into ours.

    Raises:
        StoreUnavailable: it does not answer.
    """
    try:
        yield
    except UNREACHABLE as error:
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> StoreUnavailable:
    # Its text may quote the statement, and the address of the server.
    logger.error("The database of the sessions does not answer: %s", type(error).__name__)
    return StoreUnavailable("the database of the sessions does not answer")


def _row(values: list[Any]) -> Row:
    row, (number, password, *others) = values[: len(ROW_FIELDS)], values[len(ROW_FIELDS) :]
    mark = None if password is None else _mark(number, password, *others)
    pk, digest, sealed, last_seen_at, expires_at, user_pk = row
    return Row(pk, digest, sealed, last_seen_at, expires_at, user_pk, mark)


def _mark(number: int | None, password: str, rights: int | None, *roles: bool) -> Mark:
    """Return what must not change while a session lives: ends, password, rights and roles.

    The password's hash is there as the beginning of its SHA-256, inside the sealed content.
    """
    digest = hashlib.sha256(password.encode("utf-8")).hexdigest()[:PASSWORD_DIGEST_CHARS]
    return [number or 0, digest, rights or 0, *map(bool, roles)]


def _names() -> list[str]:
    """Return the columns that `_row` takes."""
    return [*ROW_FIELDS, *(f"user__{name}" for name in _mark_fields())]


def _mark_fields() -> list[str]:
    """Return what a mark is made of; roles are in it that are columns of the site's users."""
    meta = get_user_model()._meta
    found = ["bt_security_epoch__number", "password", "bt_security_epoch__rights"]
    for name in ROLE_FIELDS:
        try:
            meta.get_field(name)
        except FieldDoesNotExist:
            continue
        found.append(name)
    return found


@lru_cache(maxsize=8)
def _prepare(alias: str, user_model: type[AbstractBaseUser], vendor: str) -> _Prepared:
    """Let Django write the statement once; `vendor` tells a replaced database apart.

    Short names: SQLite's driver goes through the text each time.
    """
    query = Session.objects.using(alias).filter(digest="").values_list(*_names()).query
    query.change_aliases({name: f"s{number}" for number, name in enumerate(query.alias_map)})
    compiler = query.get_compiler(alias)
    _, _, rest = str(compiler.as_sql()[0]).partition(" FROM ")
    columns = [column[0] for column in compiler.select]
    wanted = ", ".join(compiler.compile(column)[0] for column in columns)
    return _Prepared(
        f"SELECT {wanted} FROM {rest}",  # noqa: S608 - both are of Django's making
        _converter(compiler.get_converters(columns)),
    )


def _converter(
    converters: dict[int, tuple[list[Callable[..., Any]], models.Expression]],
) -> Converter:
    def convert(row: Sequence[Any], connection: BaseDatabaseWrapper) -> list[Any]:
        values = list(row)
        for position, (steps, expression) in converters.items():
            for step in steps:
                values[position] = step(values[position], expression, connection)
        return values

    return convert
