"""Scratch databases: made for one run, removed after it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

POSTGRES_URL = "BT_TEST_POSTGRES_URL"
MEMORY = Path("/dev/shm")
"""Linux keeps files of this folder in memory, so that a run does not measure the disk."""


@contextmanager
def scratch(kind: str) -> Iterator[dict[str, Any]]:
    """Give Django's description of an empty database of the kind `sqlite` or `postgres`."""
    with _sqlite() if kind == "sqlite" else _postgres(os.environ[POSTGRES_URL]) as database:
        yield database


@contextmanager
def _sqlite() -> Iterator[dict[str, Any]]:
    folder = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bt-bench-", dir=folder) as directory:
        yield {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(directory, "bench.sqlite3"),
            "OPTIONS": {"timeout": 30},
        }


@contextmanager
def _postgres(url: str) -> Iterator[dict[str, Any]]:
    name = f"bt_bench_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            parts = urlsplit(url)
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": name,
                "USER": unquote(parts.username or ""),
                "PASSWORD": unquote(parts.password or ""),
                "HOST": parts.hostname or "",
                "PORT": str(parts.port or ""),
            }
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
