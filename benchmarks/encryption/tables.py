"""Filling, emptying and tidying the measured tables."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from django.db import connection, models

INSERT_ROWS = 2_000
"""Rows of one INSERT, as a site would choose it."""


def values(count: int) -> list[str]:
    """Return random texts of 64 characters."""
    blob = os.urandom(32 * count)
    return [blob[start : start + 32].hex() for start in range(0, 32 * count, 32)]


def empty(*chosen: type[models.Model]) -> None:
    """Delete all rows and give their space back."""
    for model in chosen:
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
    vacuum(*chosen)


def vacuum(*chosen: type[models.Model]) -> None:
    """Remove dead rows, which PostgreSQL keeps after every change."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in chosen:
                cursor.execute(f"VACUUM {model._meta.db_table}")


def fill(
    model: type[models.Model], count: int, *, made: Callable[[str], str] = str, **more: Any
) -> None:
    """Insert `count` rows, a part at a time, so that memory does not grow with them."""
    for start in range(0, count, 20_000):
        rows = [model(body=made(text), **more) for text in values(min(20_000, count - start))]
        model._default_manager.bulk_create(rows, batch_size=INSERT_ROWS)
