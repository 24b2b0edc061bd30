"""Times of entries as whole microseconds since 1970."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Func
from django.db.models.sql.compiler import SQLCompiler

from bt_security.audit.rows import microseconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(recorded_us: int) -> datetime:
    """Return the time that `rows.microseconds` made a number of."""
    return _EPOCH + timedelta(microseconds=recorded_us)


class Microseconds(Func):
    """The number of a time, which PostgreSQL computes itself.

    Making an object of each time is half of the work of sealing there, and exact numbers come
    for nothing. Elsewhere the column is read as usual.
    """

    template = "%(expressions)s"
    arity = 1
    output_field = DateTimeField()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, Any]:
        """Return SQL whose result depends on no time zone and on no rounding."""
        template = "(EXTRACT(EPOCH FROM %(expressions)s) * 1000000)::bigint"
        return self.as_sql(compiler, connection, template=template)

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Callable[..., Any]]:
        """Return what makes a number of the time that was read."""
        return [] if connection.vendor == "postgresql" else [_as_number]


def _as_number(value: datetime, *_: Any) -> int:
    return microseconds(value)
