"""Replays of the spool in tests."""

from __future__ import annotations

from django.db import connection

from bt_security.audit import spool
from bt_security.audit.recording import is_genuine
from bt_security.audit.rows import Row
from bt_security.audit.writing import alias, insert


def replay():
    return spool.replay(
        using=alias(), is_genuine=is_genuine, insert=lambda rows: insert(connection, rows)
    )


def as_row(values):
    return Row(*(bytes(v) if isinstance(v, memoryview) else v for v in values))
