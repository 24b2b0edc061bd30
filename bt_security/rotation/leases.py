"""Ranges of primary keys that rotation workers lease, on one host or several."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import socket
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from bt_security.keys import store
from bt_security.rotation.columns import Key, TablePlan

if TYPE_CHECKING:
    from bt_security.models import RotationRange

LEASE_SECONDS = 60
ROWS_PER_RANGE = 20_000

_HOST_LENGTH = 20
"""How much of the host's name stands in a worker's: the column is short."""

_WORKER = re.compile(r"(.*):([1-9][0-9]{0,8}):[0-9a-f]+", re.ASCII)


class Leases:
    """One worker's view of the ranges of one table in one rotation."""

    def __init__(
        self,
        plan: TablePlan,
        *,
        rows_per_range: int = ROWS_PER_RANGE,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.plan = plan
        self.lease_seconds = lease_seconds
        self.rows_per_range = rows_per_range
        self.worker = f"{_host()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._table = f"{plan.sealed.alias}:{plan.sealed.table}"

    def join(self) -> None:
        """Share the ranges of workers that are alive, or cut the table into new ones."""
        with transaction.atomic(using=store.alias()):
            store.lock()
            ranges = list(self._ranges().order_by("pk"))
            is_worked_on = any(not one.finished and self._is_alive(one) for one in ranges)
            if is_worked_on and self._cover_the_table(ranges):
                return
            self._ranges().delete()
            ranges_model = self._all().model
            self._all().bulk_create(
                ranges_model(table=self._table, run=self.plan.target_prefix, first=first, last=last)
                for first, last in self._cuts()
            )

    def claim(self) -> RotationRange | None:
        """Lease a range nobody works on, None when there is none."""
        for one in self._ranges().filter(finished=False).order_by("pk"):
            if one.leased_until is not None and self._is_alive(one):
                continue
            taken = self._all().filter(pk=one.pk, finished=False, worker=one.worker)
            if taken.update(worker=self.worker, leased_until=self._deadline()):
                one.worker = self.worker
                return one
        return None

    def renew(self, one: RotationRange) -> bool:
        """Prolong a lease; False when another worker has taken it over."""
        return bool(self._mine(one).update(leased_until=self._deadline()))

    def finish(self, one: RotationRange) -> None:
        """Mark a range as done."""
        self._mine(one).update(finished=True)

    def are_all_finished(self) -> bool:
        """Whether no range is left, leased or not."""
        return not self._ranges().filter(finished=False).exists()

    def clear(self) -> None:
        """Remove the ranges if they are all finished."""
        with transaction.atomic(using=store.alias()):
            store.lock()
            if self.are_all_finished():
                self._ranges().delete()

    def keys_of(self, one: RotationRange) -> tuple[Key | None, Key | None]:
        """Return the first key, exclusive, and the last one, inclusive."""
        return self._key(one.first), self._key(one.last)

    def _cover_the_table(self, ranges: Sequence[RotationRange]) -> bool:
        """Whether the ranges join up from open start to open end, as those that we cut do."""
        lasts = [one.last for one in ranges]
        if [one.first for one in ranges] != ["", *lasts[:-1]] or lasts[-1] != "":
            return False
        try:
            for one in ranges:
                self.keys_of(one)
        except (ValueError, TypeError, ValidationError, RecursionError):
            return False
        return True

    def _cuts(self) -> Iterator[tuple[str, str]]:
        first: Key | None = None
        with self.plan.connection.cursor() as cursor:
            while True:
                last = self.plan.boundary(cursor, after=first, distance=self.rows_per_range - 1)
                yield _text(first), _text(last)
                if last is None:
                    return
                first = last

    def _key(self, text: str) -> Key | None:
        if not text:
            return None
        values = zip(self.plan.key_fields, json.loads(text), strict=True)
        connection = self.plan.connection
        return tuple(field.get_db_prep_value(value, connection) for field, value in values)

    def _is_alive(self, one: RotationRange) -> bool:
        """Whether the lease holds; a dead process of this host loses it at once.

        A lease that no worker could have taken holds nothing: the table can be written by others.
        """
        worker = _WORKER.fullmatch(one.worker)
        if one.leased_until is None or worker is None:
            return False
        host, pid = worker.groups()
        if host == _host() and not _is_running(int(pid)):
            return False
        furthest = Now() + timedelta(seconds=2 * max(self.lease_seconds, LEASE_SECONDS))
        held = self._all().filter(leased_until__gte=Now(), leased_until__lte=furthest)
        return held.filter(pk=one.pk).exists()

    def _all(self) -> QuerySet[RotationRange]:
        # Found by name: Django imports this module before the models are loaded.
        manager = apps.get_model("bt_security", "RotationRange")._default_manager
        return manager.using(store.alias())

    def _ranges(self) -> QuerySet[RotationRange]:
        return self._all().filter(table=self._table, run=self.plan.target_prefix)

    def _mine(self, one: RotationRange) -> QuerySet[RotationRange]:
        return self._all().filter(Q(pk=one.pk), worker=self.worker, finished=False)

    def _deadline(self) -> Any:
        return Now() + timedelta(seconds=self.lease_seconds)


def _text(key: Key | None) -> str:
    return "" if key is None else json.dumps(list(key), default=str)


def _host() -> str:
    return socket.gethostname()[:_HOST_LENGTH]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno != errno.ESRCH  # it may be another user's
    return True
