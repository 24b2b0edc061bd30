"""The ledger of uses: one unique row decides who has used a token."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from bt_security.exceptions import TokenRefused
from bt_security.models import UsedToken
from bt_security.models.used_token import UsedTokenQuerySet

UNLIMITED = 0
"""`max_uses` of a token that may be used any number of times until it ends."""


REVOKED = 0
KEPT_AFTER_END = timedelta(days=1)
"""A host whose clock is late may still take an expired token; its row has to be there then."""

BATCH_ROWS = 1000
_PRUNE_EVERY = 16
_PRUNE_ROWS = 100


def alias() -> str:
    """Return the database alias of the ledger."""
    return router.db_for_write(UsedToken)


def require_unused(token_id: UUID, *, max_uses: int) -> None:
    """Refuse a token that is used up or revoked. Writes nothing.

    Raises:
        TokenRefused: so it is.
    """
    uses = set(_rows(token_id).values_list("use_number", flat=True))
    if REVOKED in uses:
        raise TokenRefused("revoked")
    if max_uses != UNLIMITED and len(uses) >= max_uses:
        raise TokenRefused("used")


def use(token_id: UUID, *, purpose: str, expires_at: datetime, max_uses: int) -> None:
    """Use a token once, in a transaction.

    The row is written before anything is read: on SQLite the transaction then waits for its
    turn, where a reader that turns into a writer would fail.

    Raises:
        TokenRefused: it is used up or revoked.
    """
    if max_uses != UNLIMITED:
        numbers = range(1, max_uses + 1)
        if not any(_insert(token_id, number, purpose, expires_at) for number in numbers):
            raise TokenRefused("used")
    if _rows(token_id).filter(use_number=REVOKED).exists():
        raise TokenRefused("revoked")
    if token_id.int % _PRUNE_EVERY == 0:
        transaction.on_commit(_prune_a_few, using=alias(), robust=True)


def mark_revoked(token_id: UUID, *, purpose: str, expires_at: datetime) -> bool:
    """Revoke a token; False if it is revoked already."""
    return _insert(token_id, REVOKED, purpose, expires_at)


def prune(*, batch_rows: int = BATCH_ROWS) -> int:
    """Delete the rows of tokens that ended a day ago or earlier, and return their number.

    Each batch is a transaction of its own.
    """
    total = 0
    while deleted := _delete_expired(batch_rows):
        total += deleted
    return total


def _prune_a_few() -> None:
    _delete_expired(_PRUNE_ROWS)


def expired() -> UsedTokenQuerySet:
    """Return the rows of tokens that ended a day ago or earlier, the oldest first."""
    uses = UsedToken.objects.using(alias())
    return uses.expired_before(timezone.now() - KEPT_AFTER_END)


def _delete_expired(rows: int) -> int:
    found = list(expired().values_list("pk", flat=True)[:rows])
    return UsedToken.objects.using(alias()).filter(pk__in=found).delete()[0] if found else 0


def _rows(token_id: UUID) -> UsedTokenQuerySet:
    return UsedToken.objects.using(alias()).of_token(token_id)


def _insert(token_id: UUID, number: int, purpose: str, expires_at: datetime) -> bool:
    """Store a use; False if there is one of this number. Waits for others that are undecided."""
    try:
        with transaction.atomic(using=alias()):
            UsedToken.objects.using(alias()).create(
                token_id=token_id,
                use_number=number,
                purpose=purpose,
                expires_at=expires_at,
                used_at=timezone.now(),
            )
    except IntegrityError:
        return False
    return True
