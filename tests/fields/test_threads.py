"""Several threads on one field object; what a first use costs."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import monotonic

import pytest
from django.db import connection

from bt_security.fields.codecs import StringCodec
from tests.fields.conftest import CANARY
from tests.testapp.models import Everything, Note, Person

pytestmark = pytest.mark.once

ROUNDS = 300


def together(*works):
    """Run the works in threads that begin at the same moment; give their results."""
    start = Barrier(len(works))

    def run(work):
        start.wait()
        return [work() for _ in range(ROUNDS)]

    with ThreadPoolExecutor(len(works)) as pool:
        return [found for done in pool.map(run, works) for found in done]


@pytest.mark.parametrize("name", ["text", "char", "integer", "email"])
def test_reading_and_validating_at_once_never_gives_sealed_text(name):
    field = Everything._meta.get_field(name)
    value = {"integer": 12, "email": "ann@example.com"}.get(name, "canary")
    sealed = field.seal(value)
    read = lambda: field.from_db_value(sealed, None, connection)  # noqa: E731
    assert set(together(read, read, lambda: field.clean(value, None))) == {value}


def test_keys_that_change_under_readers_never_give_sealed_text(key):
    field = Note._meta.get_field("body")
    sealed = field.seal(CANARY)

    def change():
        key.use("second", "first")
        key.use("first", "second")
        return CANARY

    read = lambda: field.from_db_value(sealed, None, connection)  # noqa: E731
    assert set(together(read, read, change)) == {CANARY}


def test_sealing_while_keys_change_is_always_readable(key):
    field = Note._meta.get_field("body")

    def change():
        key.use("second", "first")
        key.use("first", "second")
        return CANARY

    sealed = lambda: field.open_text(field.get_db_prep_save(CANARY, connection))  # noqa: E731
    assert set(together(sealed, sealed, change)) == {CANARY}


def test_the_first_use_stretches_no_key(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("a slow derivation")

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", refuse)
    monkeypatch.setattr(hashlib, "scrypt", refuse)
    for field in [*Everything._meta.local_fields[1:], *Person._meta.local_fields[1:2]]:
        field.column_sealer = None
        if isinstance(field.codec, StringCodec):
            assert field.open_text(field.seal("x")) == "x"


@pytest.mark.parametrize("seconds", [60.0, -60.0], ids=["fresh", "stale"])
def test_a_reader_of_keys_that_may_change_reads(key, seconds):
    key.use("first", stale_after=monotonic() + seconds)
    field = Note._meta.get_field("body")
    sealed = field.seal(CANARY)
    for _ in range(2):
        assert field.from_db_value(sealed, None, connection) == CANARY


def test_a_field_keeps_its_sealer_while_the_keys_stay(key):
    field = Note._meta.get_field("body")
    field.seal("x")
    kept = field.column_sealer
    field.seal("y")
    assert field.column_sealer is kept
    key.use("second", "first")
    field.seal("z")
    assert field.column_sealer is not kept
