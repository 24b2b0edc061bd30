"""The two numbers of a user that end sessions, raised by one statement for any number of users.

A session carries both as they were at its log-in, so one that is saved late is over all the same.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

from bt_security.models import SessionEpoch


def end_all(users: models.QuerySet[Any]) -> None:
    """End all sessions of these users, without exception."""
    _raise("number", users)


def change_rights(users: models.QuerySet[Any]) -> None:
    """End all sessions of these users but one that takes over its new rights at once."""
    _raise("rights", users)


def with_pks(pks: list[Any]) -> models.QuerySet[Any]:
    """Return the users with these primary keys."""
    found: models.QuerySet[Any] = get_user_model()._base_manager.filter(pk__in=pks)
    return found


def _raise(field: str, users: models.QuerySet[Any]) -> None:
    alias = router.db_for_write(SessionEpoch)
    chosen = users.using(alias).order_by().distinct().values(chosen_pk=models.F("pk")).query
    try:
        chosen_sql, params = chosen.get_compiler(alias).as_sql()
    except EmptyResultSet:
        return
    with connections[alias].cursor() as cursor:
        cursor.execute(_statement(connections[alias], field, chosen_sql), params)


def _statement(connection: BaseDatabaseWrapper, field: str, chosen: str) -> str:
    """Return the statement that adds one to a number, and makes it where there is none."""
    quote = connection.ops.quote_name
    table, pk = quote(SessionEpoch._meta.db_table), quote("chosen_pk")
    user, number, rights, raised = map(quote, ("user_id", "number", "rights", field))
    first = "1, 0" if field == "number" else "0, 1"
    conflict = (
        "ON DUPLICATE KEY UPDATE"
        if connection.vendor == "mysql"
        else f"ON CONFLICT ({user}) DO UPDATE SET"
    )
    # Every part is a name out of a model; SQLite needs the WHERE to tell the two ON apart.
    return (
        f"INSERT INTO {table} ({user}, {number}, {rights}) "  # noqa: S608
        f"SELECT chosen.{pk}, {first} FROM ({chosen}) chosen WHERE 1 = 1 "
        f"{conflict} {raised} = {table}.{raised} + 1"
    )
