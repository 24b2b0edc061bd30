"""What people and programs do with sessions: list them, end them, move them to a new key."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router
from django.http import HttpRequest

from bt_security.models import Session
from bt_security.models.session import SessionQuerySet
from bt_security.sessions import epochs, registry, secrets
from bt_security.sessions.limits import idle_since
from bt_security.sessions.store import SealedSession
from bt_security.signals import report


@dataclass(frozen=True)
class SessionInfo:
    """One live session of a user; `id` is public and lets nobody in.

    By an impersonated one somebody else acts as the user.
    """

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool = False
    is_impersonated: bool = False


def for_user(user: AbstractBaseUser, *, request: HttpRequest | None = None) -> list[SessionInfo]:
    """Return the live sessions of a user, the one used last first.

    `request` tells which of them is the current one.
    """
    current = current_id(request) if request is not None else None
    rows = _live_rows(user.pk)
    return [
        SessionInfo(
            id=row.uuid,
            created_at=row.created_at,
            last_seen_at=max(row.created_at, row.last_seen_at),
            expires_at=row.expires_at,
            is_current=row.uuid == current,
            is_impersonated=row.is_impersonated,
        )
        for row in rows.defer("sealed")
    ]


def live_among(user: AbstractBaseUser, public_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of these sessions that are the user's and would be let in; two queries."""
    if not public_ids:
        return frozenset()
    rows = _live_rows(user.pk).filter(uuid__in=public_ids).order_by()
    return frozenset(rows.values_list("uuid", flat=True))


def current_id(request: HttpRequest) -> UUID | None:
    """Return the public id of the session of a logged-in request, None without one."""
    session = request.session
    if not isinstance(session, SealedSession) or not session.has_owner():
        return None
    return UUID(session.facts.uuid)


def revoke(public_id: UUID, *, user: AbstractBaseUser | None = None) -> bool:
    """End one session, of this user only if one is given; False if there is none.

    It is over with its next request, whichever process that reaches.
    """
    found = _rows().filter(uuid=public_id)
    return _end_each(found if user is None else found.filter(user_id=user.pk)) > 0


def revoke_each(public_ids: Iterable[UUID]) -> int:
    """End these sessions, all of them or none; return how many there were."""
    return _end_each(_rows().filter(uuid__in=list(public_ids)))


def revoke_others(request: HttpRequest) -> int:
    """End all sessions of the logged-in user but that of this request; return how many."""
    kept = [current] if (current := current_id(request)) else []
    live = set(_live_rows(request.user.pk).exclude(uuid__in=kept).values_list("pk", flat=True))
    rows = _rows().for_user(request.user.pk).exclude(uuid__in=kept)
    found = dict(rows.values_list("pk", "digest"))
    with registry.writing():
        ended = _delete(live)
        _delete(found.keys() - live)
        _report_all(request.user.pk, "others_revoked", ended)
    _forget_content(found.values())
    return ended


def revoke_all(user: AbstractBaseUser) -> int:
    """End all sessions of a user by one write; return how many there were."""
    live = _live_rows(user.pk).count()
    with registry.writing():
        epochs.end_all(epochs.with_pks([user.pk]))
        _report_all(user.pk, "all_revoked", live)
    return live


def revoke_everybody() -> int:
    """End the sessions of all users; return how many there were."""
    rows = _rows().exclude(user=None)
    with registry.writing():
        ended = rows.live(idle_since=idle_since()).delete()[0]
        rows.delete()
        details = {"reason": "all_revoked", "count": ended}
        report("session.ended", target="everybody", details=details)
    return ended


def rotate(request: HttpRequest) -> None:
    """Give the session of a request a new key: after a step-up, or with a change of its rights.

    It goes on under its public id, with what its user is like now, while the user's other sessions
    end with the change. Where all sessions of the user were ended meanwhile, this one ends as well.
    """
    session = request.session
    if isinstance(session, SealedSession):
        session.take_mark_again()
    session.cycle_key()


async def afor_user(
    user: AbstractBaseUser, *, request: HttpRequest | None = None
) -> list[SessionInfo]:
    """Do what `for_user` does."""
    return await sync_to_async(for_user)(user, request=request)


async def arevoke(public_id: UUID, *, user: AbstractBaseUser | None = None) -> bool:
    """Do what `revoke` does."""
    return await sync_to_async(revoke)(public_id, user=user)


async def arevoke_others(request: HttpRequest) -> int:
    """Do what `revoke_others` does."""
    return await sync_to_async(revoke_others)(request)


async def arevoke_all(user: AbstractBaseUser) -> int:
    """Do what `revoke_all` does."""
    return await sync_to_async(revoke_all)(user)


async def arotate(request: HttpRequest) -> None:
    """Do what `rotate` does."""
    await sync_to_async(rotate)(request)


def _rows() -> SessionQuerySet:
    """Return the sessions as they are where they are written: a copy may be late."""
    return Session.objects.using(router.db_for_write(Session))


def _live_rows(user_pk: Any) -> SessionQuerySet:
    """Return what would be let in: of the rest, only the next request finds out."""
    mark = registry.mark_of(user_pk)
    rows = _rows().for_user(user_pk).live(idle_since=idle_since())
    return rows.filter(mark__in=secrets.mark_digests(mark)) if mark is not None else rows.none()


def _end_each(rows: SessionQuerySet) -> int:
    """Delete rows one by one, and report those that were still there."""
    found = list(rows.values_list("pk", "uuid", "digest"))
    ended = 0
    with registry.writing():
        for pk, public_id, _ in found:
            if _delete([pk]):
                ended += 1
                details = {"reason": "revoked"}
                report("session.ended", target=f"session:{public_id}", details=details)
    _forget_content(digest for _, _, digest in found)
    return ended


def _delete(pks: Collection[int]) -> int:
    """Delete rows by what a new key of the session does not change; return how many there were."""
    return _rows().filter(pk__in=pks).delete()[0] if pks else 0


def _forget_content(digests: Iterable[str]) -> None:
    """Take the content out of the cache; without its row it opens for nobody as it is."""
    engine = import_module(settings.SESSION_ENGINE).SessionStore()
    if isinstance(engine, SealedSession):
        engine.remove_content(list(digests))


def _report_all(user_pk: object, reason: str, count: int) -> None:
    details = {"reason": reason, "count": count}
    report("session.ended", target=f"user:{user_pk}", details=details)
