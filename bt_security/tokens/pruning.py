"""Forget what no token needs any more."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db import router
from django.utils import timezone

from bt_security.models import ApiToken
from bt_security.models.api_token import ApiTokenQuerySet
from bt_security.tokens import ledger
from bt_security.tokens.ledger import BATCH_ROWS

DEAD_KEPT = timedelta(days=30)
"""For so long the use of a dead API token is still told apart from a guess, and reported."""


class Pruned(NamedTuple):
    """How many rows were deleted."""

    uses: int
    api_tokens: int


def prune(*, batch_rows: int = BATCH_ROWS) -> Pruned:
    """Delete uses of tokens that ended a day ago, and API tokens that ended 30 days ago.

    Each batch is a transaction of its own.
    """
    uses = total = ledger.prune(batch_rows=batch_rows)
    while deleted := _delete_dead(batch_rows):
        total += deleted
    return Pruned(uses, total - uses)


def due() -> Pruned:
    """Count what `prune` would delete now."""
    return Pruned(ledger.expired().count(), _dead().count())


def _dead() -> ApiTokenQuerySet:
    tokens = ApiToken.objects.using(router.db_for_write(ApiToken))
    return tokens.dead_before(timezone.now() - DEAD_KEPT)


def _delete_dead(rows: int) -> int:
    tokens = ApiToken.objects.using(router.db_for_write(ApiToken))
    found = list(_dead().values_list("pk", flat=True)[:rows])
    return tokens.filter(pk__in=found).delete()[0] if found else 0
