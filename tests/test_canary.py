"""No plaintext and no key anywhere they could be read by chance."""

from __future__ import annotations

import base64
import datetime
import decimal
import io
import json
import sys
import uuid
from pathlib import Path

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.views.debug import ExceptionReporter

import bt_security
from bt_security import keys
from bt_security.exceptions import KeyRefused
from bt_security.rotation import Choice, rotate
from tests import testapp
from tests.testapp.models import Account, BankConnection, Everything, Note, Person, Vault

pytestmark = pytest.mark.django_db

TEXT = "canary-of-plaintext"
NUMBER = 1_987_654_321
KEY = "canary-key-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def operator_key(monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", KEY)
    keys.forget()
    yield
    monkeypatch.undo()
    keys.forget()


def forms_of(secret: bytes) -> list[str]:
    """Return the ways in which a secret could be written."""
    encoded = base64.b64encode(secret).decode().rstrip("=")
    return [secret.decode("utf-8", "replace"), secret.hex(), encoded, encoded[2:-2]]


def key_forms() -> list[str]:
    forms = forms_of(KEY.encode())
    for text in keys.store.rows().filter(name__startswith="_auto").values_list("value", flat=True):
        forms += [text, *forms_of(base64.b64decode(text))[1:]]
    return forms


def assert_clean(output: str, *, secrets: list[str] | None = None) -> None:
    plaintexts = [TEXT, TEXT.upper(), str(NUMBER), "2031-12-24", "203.0.113.77", "c0ffee00"]
    found = [secret for secret in [*plaintexts, *(secrets or key_forms())] if secret in output]
    assert not found, output[output.index(found[0]) - 600 : output.index(found[0]) + 100]


def store_canaries() -> Account:
    owner = Account.objects.create_user(f"{TEXT}@example.org", "password")
    Note.objects.create(title="a note", body=TEXT)
    Person.objects.create(name=TEXT, phone=str(NUMBER), code=TEXT)
    BankConnection.objects.create(owner=owner, access_url=f"https://{TEXT}@example.org")
    Vault.objects.create(secret={TEXT: NUMBER})
    Everything.objects.create(
        text=TEXT,
        char=TEXT,
        email=f"{TEXT}@example.org",
        url=f"https://{TEXT}.example.org",
        json={TEXT: [NUMBER]},
        integer=NUMBER,
        float=float(NUMBER),
        decimal=decimal.Decimal(NUMBER) / 1000,
        boolean=True,
        date=datetime.date(2031, 12, 24),
        moment=datetime.datetime(2031, 12, 24, 12, tzinfo=datetime.UTC),
        uuid=uuid.UUID("c0ffee00-0000-4000-8000-000000000000"),
        binary=TEXT.encode(),
        ip="203.0.113.77",
    )
    return owner


def everything_stored() -> str:
    """Return all columns of all tables but the one that keeps the database key."""
    lines = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            lines += [repr(row) for row in cursor.fetchall() if row[0] != "_auto_encryption_key"]
    return "\n".join(lines)


@pytest.mark.feature("BT-16")
def test_the_database_holds_no_plaintext_and_no_operator_key(operator_key):
    """A dump of every table shows neither a plaintext nor a key."""
    store_canaries()
    assert_clean(everything_stored())


def test_the_sql_log_shows_neither_plaintext_nor_key(operator_key):
    with CaptureQueriesContext(connection) as captured:
        store_canaries()
        list(Person.objects.filter(code=TEXT, phone__in=[str(NUMBER)]))
        Note.objects.update(body=TEXT)
        note = Note.objects.get()
        note.save()
        Note.objects.bulk_update([note], ["body"])
        rotate(Choice())
    log = "\n".join(
        query["sql"] for query in captured if "_auto_encryption_key" not in query["sql"]
    )
    assert_clean(log)


@pytest.mark.parametrize("form", ["json", "jsonl", "xml", "yaml"])
def test_dumpdata_shows_neither_plaintext_nor_key(form, operator_key):
    store_canaries()
    keys.keyed_digest("canary", b"a purpose key is made")
    output = io.StringIO()
    call_command("dumpdata", "--all", format=form, stdout=output)
    assert "sealed" in output.getvalue()
    assert "_auto_encryption_key" not in output.getvalue()
    assert "_purpose" not in output.getvalue()
    assert_clean(output.getvalue())


def test_a_stock_serializer_shows_no_text_either():
    store_canaries()
    assert TEXT not in serializers.serialize("json", Note.objects.all())


def test_migrations_hold_no_key(operator_key):
    for package in (bt_security, testapp):
        for file in Path(package.__file__).parent.glob("migrations/*.py"):
            assert_clean(file.read_text())


def test_reprs_and_commands_show_neither_plaintext_nor_key(operator_key):
    store_canaries()
    seen = [repr(keys.ring()), repr(keys.ring().sealing_key), repr(keys.purpose_keys("canary"))]
    for model in (Note, Vault, BankConnection, Person):
        seen += [repr(list(model.objects.all())), repr(model._meta.get_fields())]
        seen += [repr(field.__dict__) for field in model._meta.concrete_fields]
    seen += [repr(list(BankConnection.objects.values("access_url")))]
    for command in ("key_status", "bt_security_settings"):
        output = io.StringIO()
        call_command(command, "--json", stdout=output)
        seen.append(output.getvalue())
    assert_clean("\n".join(seen))


def mail_about(action) -> str:
    """Return what an error reporter would send about the error that `action` raises."""
    try:
        action()
    except (IntegrityError, KeyRefused):
        reporter = ExceptionReporter(None, *sys.exc_info(), is_email=True)
        return reporter.get_traceback_html() + reporter.get_traceback_text()
    raise AssertionError("nothing was raised")


def test_an_error_mail_about_a_failed_save_shows_no_plaintext(operator_key):
    store_canaries()
    second = Person.objects.create(code="other")
    second.phone = str(NUMBER)
    with transaction.atomic():
        mail = mail_about(second.save)
        transaction.set_rollback(True)
    assert_clean(mail)


def test_an_error_mail_about_a_refused_key_shows_no_plaintext(operator_key, monkeypatch):
    store_canaries()
    note = Note.objects.get()
    rotate(Choice())
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "another-key-9876543210-zyxwvutsrqponmlkjihgfedcba")
    keys.forget()
    assert_clean(mail_about(note.save), secrets=forms_of(KEY.encode()))


def test_the_admin_shows_no_key(operator_key, admin_client):
    store_canaries()
    page = admin_client.get("/admin/bt_security/").content.decode()
    assert not [form for form in key_forms() if form in page]


def test_the_inventory_and_the_state_name_columns_only(operator_key):
    store_canaries()
    rotate(Choice())
    stored = dict(keys.store.rows().values_list("name", "value"))
    assert json.loads(stored["_sealed_columns"])
    stored.pop("_auto_encryption_key", None)
    assert_clean(json.dumps(stored))
