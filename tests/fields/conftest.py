"""Known keys, and what SQL sees of a column."""

from __future__ import annotations

import base64
import os
from dataclasses import replace

import pytest
from django.db import connection

from bt_security import keys
from bt_security.crypto import sealing_key
from bt_security.fields import Sealed
from bt_security.keys import Keyring, current, store
from bt_security.models import Setting
from tests.testapp.models import Account, BankConnection, Note

CANARY = "canary-8c1f-plaintext"
KEYS = {
    name: sealing_key(
        "e1" if name == "database" else "e2", f"{name} key of the field tests {'.' * 20}".encode()
    )
    for name in ("first", "second", "third", "database")
}


class Keys:
    """Says which of the known keys this process has."""

    def use(self, sealer, *previous, **changes):
        """Seal with one key, open with it and the previous ones; changes go to the keyring."""
        live = [KEYS[name] for name in (sealer, *previous) if name]
        ring = Keyring(
            openers={key.prefix: key for key in live},
            sealer=KEYS[sealer] if sealer else None,
            operator_key=KEYS[sealer] if sealer else None,
            opens_database_key=False,
        )
        current.fix(replace(ring, **changes))

    def __getitem__(self, name):
        return KEYS[name]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TOKEN_ENCRYPTION_KEY")]:
        monkeypatch.delenv(name)
    known = Keys()
    known.use("first")
    yield known
    current.fix(None)
    keys.forget()


@pytest.fixture
def unfixed(db):
    """Keys as a site has them: from the key table, whose row is gone after the test."""
    secret = base64.b64encode(os.urandom(48)).decode()
    Setting.vault.all().delete()
    Setting.vault.bulk_create([Setting(name=store.DATABASE_KEY, value=secret)])
    current.fix(None)
    keys.forget()


class Cell:
    """One column of one row as SQL sees it."""

    def __init__(self, instance, field_name):
        field = instance._meta.get_field(field_name)
        quote = connection.ops.quote_name
        self._table, self._column = quote(field.model._meta.db_table), quote(field.column)
        pk = field.model._meta.pk
        self._key = quote(pk.column)
        self._pk = pk.get_db_prep_value(instance.pk, connection)

    @property
    def text(self):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {self._column} FROM {self._table} WHERE {self._key} = %s", [self._pk]
            )
            return cursor.fetchone()[0]

    @text.setter
    def text(self, value):
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self._table} SET {self._column} = %s WHERE {self._key} = %s",
                [value, self._pk],
            )


@pytest.fixture
def cell(db):
    return Cell


@pytest.fixture
def account(db):
    return Account.objects.create(email="ann@example.com")


@pytest.fixture
def other_account(db):
    return Account.objects.create(email="bob@example.com")


@pytest.fixture
def note(db):
    return Note.objects.create(title="plain title", body=CANARY)


@pytest.fixture
def bank(account):
    made = BankConnection.objects.create(owner=account, label="giro", access_url=CANARY)
    return BankConnection.objects.get(pk=made.pk)


def break_text(text, how):
    """Return a sealed text that no longer opens."""
    match how:
        case "unknown key":
            return f"{text[:3]}00000000{text[11:]}"
        case "cut":
            return text[:-4]
        case "flipped":
            return text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:]
        case "moved":
            return Note._meta.get_field("body").seal("of another column")
    raise ValueError(how)


def sealed_for(field, value, **options):
    return Sealed(field.seal(value, **options))


def drop_check(table):
    """Take the guard off a column, as a table from before has it."""
    with connection.cursor() as cursor:
        match connection.vendor:
            case "sqlite":
                cursor.execute("PRAGMA ignore_check_constraints = ON")
            case "postgresql":
                cursor.execute(
                    "SELECT conname FROM pg_constraint "
                    "WHERE contype = 'c' AND conrelid = %s::regclass",
                    [table],
                )
                for (name,) in cursor.fetchall():
                    cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
            case _:
                cursor.execute("SET SESSION check_constraint_checks = OFF")


@pytest.fixture
def unguarded(db):
    drop_check("testapp_note")
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
        elif connection.vendor == "mysql":
            cursor.execute("SET SESSION check_constraint_checks = ON")
