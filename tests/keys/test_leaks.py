"""Keys never show: not in dumps, reprs, logs, error reports, nor the operator's in the database."""

from __future__ import annotations

import base64
import io
import logging
import re
import sys
from pathlib import Path

import pytest
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from bt_security import keys
from bt_security.crypto import SealingKey, derive, sealing_key
from bt_security.exceptions import BTSecurityError
from bt_security.keys import database, purpose, store
from bt_security.keys.hidden import HiddenText
from bt_security.keys.state import write_state
from bt_security.models import Setting
from tests.keys.conftest import OPERATOR, SECOND, configure, key_rows
from tests.testapp.models import Note
from tests.vectors import files

pytestmark = pytest.mark.usefixtures("key_table")

USES = ("", "/blind-index", "/wrap", "/key-id")
BODY = Note._meta.get_field("body")


def forms(secret):
    """How `secret` could stand in a text or a file."""
    encoded = [secret.hex(), base64.b64encode(secret).decode(), repr(secret)[2:-1]]
    decoded = secret.decode("utf-8", "replace")
    return {*encoded, *([decoded] if decoded.isascii() else [])}


def leaks(text, *secrets):
    derived = [derive(secret, use) for secret in secrets for use in USES]
    return {form for secret in (*secrets, *derived) for form in forms(secret) if form in text}


def database_secret():
    return base64.b64decode(key_rows()[store.DATABASE_KEY])


def report():
    """Django's error page with the local variables of every frame, as DEBUG shows it."""
    reporter = ExceptionReporter(None, *sys.exc_info())
    return f"{reporter.get_traceback_html()}{reporter.get_traceback_text()}"


def test_the_report_shows_local_variables():
    planted = b"planted-secret-of-this-test-0123456789"
    try:
        raise ValueError(len(planted))
    except ValueError:
        assert leaks(report(), planted)


# Dumps, admin, repr.


@pytest.mark.feature("BT-21")
def test_the_key_is_not_in_dumpdata():
    """The database key is in no output of `dumpdata`."""
    Note.objects.create(body="x")
    keys.keyed_digest("api_tokens", b"x")
    out = io.StringIO()
    call_command("dumpdata", "--all", stdout=out)
    assert "auto_encryption_key" not in out.getvalue()
    assert "_purpose" not in out.getvalue()
    assert not leaks(out.getvalue(), database_secret())


def test_a_visible_setting_is_in_dumpdata():
    Setting.vault.create(name="visible", value="x")
    out = io.StringIO()
    call_command("dumpdata", "bt_security.Setting", stdout=out)
    assert '"visible"' in out.getvalue()


@pytest.mark.feature("BT-21")
def test_the_key_is_not_in_a_serialised_test_database():
    """The database key is in no serialised test database."""
    Note.objects.create(body="x")
    text = connection.creation.serialize_db_to_string()
    assert "auto_encryption_key" not in text
    assert not leaks(text, database_secret())


def test_the_default_manager_hides_the_key():
    keys.ring()
    assert not Setting.objects.exists()
    assert not Setting._base_manager.exists()
    assert not Setting._default_manager.exists()


def test_the_table_is_not_in_the_admin():
    admin.autodiscover()
    assert Setting not in admin.site._registry


def test_a_row_shows_its_name_only():
    keys.ring()
    row = Setting.vault.get()
    assert f"{row} {row!r}" == "_auto_encryption_key <Setting: _auto_encryption_key>"


@pytest.mark.parametrize("show", [repr, str], ids=["repr", "str"])
def test_no_object_shows_a_key(show):
    configure(OPERATOR)
    write_state("migrating", SealingKey("e2", OPERATOR.encode()))
    Setting.vault.create(name=store.DATABASE_KEY, value=base64.b64encode(bytes(48)).decode())
    ring = keys.reload()
    [key] = keys.purpose_keys("api_tokens")
    shown = " ".join(map(show, [ring, ring.operator_key, *ring.openers.values(), ring.state, key]))
    assert not leaks(shown, OPERATOR.encode(), bytes(48), key.secret)
    assert "PurposeKey(purpose='api_tokens', generation=1)" in shown


def test_hidden_text_is_itself_and_does_not_show():
    text = HiddenText("secret")
    assert (text, repr([text])) == ("secret", "[<hidden>]")


# Logs.


def test_making_the_key_is_not_logged_with_its_value(settings, caplog):
    settings.DEBUG = True
    with caplog.at_level(logging.DEBUG, "django.db.backends"):
        Note.objects.create(body="x")
    assert "bt_security_setting" in caplog.text
    assert not leaks(caplog.text, database_secret())


def test_making_the_key_is_not_in_the_list_of_queries(settings):
    settings.DEBUG = True
    Note.objects.create(body="x")
    assert not leaks(str(connection.queries), database_secret())


def test_statements_are_logged_again_afterwards(settings):
    settings.DEBUG = True
    keys.ring()
    connection.queries_log.clear()
    Note.objects.count()
    assert len(connection.queries) == 1


# Error reports.


def run_failing(action):
    try:
        action()
    except (BTSecurityError, ImproperlyConfigured, ValueError, TypeError):
        return report()
    raise AssertionError("nothing was raised")


def wrong_operator_key():
    configure(OPERATOR)
    keys.ring()
    configure(SECOND)
    Note.objects.create(body="x")


def missing_row():
    Note.objects.create(body="x")
    Setting.vault.all().delete()
    keys.forget()
    Note.objects.create(body="y")


def damaged_row():
    damaged = HiddenText(base64.b64encode(SECOND.encode()).decode() + "!")
    Setting.vault.create(name=store.DATABASE_KEY, value=damaged)
    Note.objects.create(body="x")


def previous_key_only():
    configure(OPERATOR)
    keys.ring()
    configure("", OPERATOR)
    Note.objects.create(body="x")


def changed_state():
    configure(OPERATOR)
    keys.ring()
    Setting.vault.update(value="x")
    configure(OPERATOR)
    Note.objects.create(body="x")


def changed_value():
    configure(OPERATOR)
    BODY.open_text(BODY.seal("x")[:-8] + "AAAAAAAA")


def unknown_key():
    configure(OPERATOR)
    BODY.open_text(SealingKey("e2", SECOND.encode()).seal(b"x", tail=b""))


def changed_purpose_key():
    configure(OPERATOR)
    keys.keyed_digest("api_tokens", b"x")
    Setting.vault.filter(name__startswith="_purpose").update(value="x")
    configure(OPERATOR)
    keys.keyed_digest("api_tokens", b"x")


def rewrapping_without_a_key_that_seals():
    configure(OPERATOR)
    keys.keyed_digest("api_tokens", b"x")
    [(name, text)] = [row for row in key_rows().items() if row[0].startswith("_purpose")]
    ring = keys.Keyring(openers=keys.ring().openers)
    purpose.rewrap(name, text, keyring=ring)


def colliding_keys():
    configure(*files.load("keys.json")["collision"])
    keys.ring()


ALL_SECRETS = [
    OPERATOR.encode(),
    SECOND.encode(),
    *(key.encode() for key in files.load("keys.json")["collision"]),
]


@pytest.mark.parametrize(
    "action",
    [
        wrong_operator_key,
        missing_row,
        damaged_row,
        previous_key_only,
        changed_state,
        changed_value,
        unknown_key,
        changed_purpose_key,
        rewrapping_without_a_key_that_seals,
        colliding_keys,
    ],
    ids=lambda action: action.__name__,
)
def test_an_error_report_shows_no_key(action):
    text = run_failing(action)
    assert "Traceback" in text
    assert not leaks(text, *ALL_SECRETS)


@pytest.mark.parametrize("kept", ["new", "put back"])
def test_a_database_that_refuses_the_row_shows_no_key(monkeypatch, kept):
    keys.ring()
    secret = base64.b64decode(key_rows()[store.DATABASE_KEY])
    Setting.vault.all().delete()
    if kept == "new":
        keys.forget()
    with monkeypatch.context() as patch:
        patch.setattr(Setting._meta.get_field("changed_at"), "column", "no_such_column")
        try:
            keys.reload()
        except DatabaseError:
            text = report()
    assert "no_such_column" in text
    assert not leaks(text, secret)
    assert not re.search(r"[A-Za-z0-9+/]{64}", text)


def test_a_former_key_that_cannot_be_stored_shows_no_key(monkeypatch):
    keys.ring()
    secret = base64.b64decode(key_rows()[store.DATABASE_KEY])
    Setting.vault.update(value=base64.b64encode(bytes(range(48))).decode())
    with monkeypatch.context() as patch:
        patch.setattr(Setting._meta.get_field("changed_at"), "column", "no_such_column")
        try:
            keys.reload()
        except DatabaseError:
            text = report()
    assert "no_such_column" in text
    assert not leaks(text, secret, bytes(range(48)))


# Where the operator key is not.


@pytest.mark.once
@pytest.mark.feature("TK-02")
def test_the_database_file_holds_nothing_of_the_operator_key():
    """After a start with a key in the environment the database file holds nothing of it."""
    configure(OPERATOR, SECOND)
    Note.objects.create(body="x")
    keys.keyed_digest("api_tokens", b"x")
    assert BODY.open_text(BODY.seal("x")) == "x"
    content = Path(connection.settings_dict["NAME"]).read_bytes()
    assert key_rows()[store.KEY_STATE].encode() in content
    for secret in (OPERATOR.encode(), SECOND.encode()):
        for key in (secret, *(derive(secret, use) for use in USES)):
            assert key not in content
            assert not [form for form in forms(key) if form.encode() in content]


@pytest.mark.feature("TK-02")
def test_no_row_holds_the_operator_key():
    """After a start with a key in the environment no row of the database holds it."""
    configure(OPERATOR)
    keys.keyed_digest("api_tokens", b"x")
    assert not leaks(str(key_rows()), OPERATOR.encode())


@pytest.mark.feature("TK-01")
@pytest.mark.feature("BT-22")
def test_16_two_byte_characters_are_a_key():
    """The minimum of 32 is counted in bytes: 16 characters of two bytes are a key."""
    key = "äöüßéèêàâçñåøæðþ"
    configure(key)
    assert (len(key), len(key.encode())) == (16, 32)
    assert keys.ring().sealing_key.prefix == SealingKey("e2", key.encode()).prefix


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_key_file_gives_the_same_key_with_and_without_its_newline(tmp_path, monkeypatch, end):
    file = tmp_path / "key"
    file.write_bytes(OPERATOR.encode() + end)
    with monkeypatch.context() as patch:  # over before the table is flushed
        patch.setenv("TOKEN_ENCRYPTION_KEY_FILE", str(file))
        keys.forget()
        assert keys.ring().sealing_key is sealing_key("e2", OPERATOR.encode())


def test_a_request_gives_no_key_away():
    configure(OPERATOR)
    keys.ring()
    try:
        database._key("!")
        raise ValueError("a view failed")
    except ValueError:
        reporter = ExceptionReporter(RequestFactory().get("/"), *sys.exc_info())
        assert not leaks(reporter.get_traceback_html(), OPERATOR.encode())
