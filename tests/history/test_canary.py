"""Whoever reads the tables learns no address, browser, place or name; whoever writes them, too."""

from __future__ import annotations

import base64
import hashlib

import pytest
from django.db import connection
from django.test import RequestFactory

from bt_security import history
from bt_security.exceptions import Tampered
from bt_security.history.recording import record
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.models.login_event import LOCATION_FIELDS
from tests.audit.conftest import audit_on, log
from tests.history.conftest import browser, events, log_in, make_user, only_event, post_json

__all__ = ["audit_on", "log"]

pytestmark = pytest.mark.usefixtures("history_on")

ADDRESS = "203.0.113.177"
AGENT = "Canary-Browser/77.1 (Nest; rv:8c1f)"
NAME = "canary.unknown.8c1f@nowhere.example"
PLACE = "Canaryville-8c1f"
SEALED = ("ip_address", "user_agent", *LOCATION_FIELDS)


def tables():
    """Everything that SQL sees, as one text."""
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            for row in cursor.fetchall():
                for value in row:
                    is_binary = isinstance(value, (bytes, memoryview))
                    yield bytes(value).hex() if is_binary else str(value)


def forms_of(text):
    """How a text could stand in a dump: itself, encoded, or as a hash that anybody can make."""
    raw = text.encode()
    yield from (text, text.upper(), raw.hex(), base64.b64encode(raw).decode().rstrip("="))
    for spelling in {raw, text.lower().encode(), text.strip().encode()}:
        for kind in ("md5", "sha1", "sha256", "blake2b"):
            digest = hashlib.new(kind, spelling).digest()
            yield from (digest.hex()[:24], base64.b64encode(digest).decode()[:22])


def canary_browser():
    return browser(REMOTE_ADDR=ADDRESS, HTTP_USER_AGENT=AGENT)


@pytest.fixture
def filled(user, settings, tmp_path):
    """Events of every outcome with every sealed column, one of them by way of the spool."""
    settings.BT_SECURITY_HISTORY_SPOOL_DIR = str(tmp_path)
    client = canary_browser()
    log_in(client, user)
    log_in(client, user, "wrong")
    post_json(client, "/json-login/", NAME)
    request = RequestFactory().post("/", REMOTE_ADDR=ADDRESS, HTTP_USER_AGENT=AGENT)
    history.record_factor_failed(request, user, method="totp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LoginEvent._meta, "db_table", "bt_security_no_such_table")
        log_in(client, NAME)
        log_in(client, user)
    assert history.replay_spool() == 2
    for event in LoginEvent.objects.all():
        for name in LOCATION_FIELDS:
            setattr(event, name, PLACE)
        event.save()
    return user


def assert_no_canary(text):
    for canary in (ADDRESS, AGENT, NAME, PLACE):
        found = [form for form in forms_of(canary) if form in text]
        assert not found


@pytest.mark.feature("BT-64")
def test_a_dump_holds_no_address_browser_place_or_unknown_name(filled):
    """A dump of all tables holds no address, user agent, place or typed unknown name."""
    dump = "\n".join(tables())
    assert LoginEvent.objects.count() == 6
    assert LoginEvent.objects.exclude(ip_address=None).count() == 6
    assert str(only_event(outcome=LoginOutcome.FACTOR_FAILED).uid).replace("-", "") in (
        dump.replace("-", "")
    )
    assert_no_canary(dump)


def test_a_dump_holds_none_with_the_audit_log_on(filled, log, settings):
    settings.BT_SECURITY_FEATURES = ["audit", "history"]
    log_in(canary_browser(), filled)
    post_json(canary_browser(), "/json-login/", NAME)
    assert {"user.login", "user.login_failed"} <= set(log.actions())
    assert_no_canary("\n".join(tables()))


def test_no_line_of_the_log_holds_any(user, settings, caplog, tmp_path):
    caplog.set_level(0)
    for spool_dir in ("", str(tmp_path)):
        settings.BT_SECURITY_HISTORY_SPOOL_DIR = spool_dir
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(LoginEvent._meta, "db_table", "bt_security_no_such_table")
            log_in(canary_browser(), user)
            post_json(canary_browser(), "/json-login/", NAME)
    own = [r.getMessage() for r in caplog.records if r.name.startswith("bt_security")]
    assert len(own) >= 4
    assert_no_canary("\n".join(own))


def test_the_stored_values_open_for_the_code_that_has_the_key(filled):
    for event in events():
        assert (event.ip_address, event.user_agent) == (ADDRESS, AGENT)
        assert event.location_city == PLACE


class TestMovedValues:
    """Sealed texts that somebody with SQL has put into another row."""

    @pytest.fixture
    def texts(self, filled):
        """The sealed columns of one event of the user."""
        columns = ", ".join(SEALED)
        table = LoginEvent._meta.db_table
        event = events(user=filled)[0]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {table} WHERE id = %s", [event.pk])
            return cursor.fetchone()

    def put(self, texts, event):
        assignments = ", ".join(f"{name} = %s" for name in SEALED)
        table = LoginEvent._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {assignments} WHERE id = %s", [*texts, event.pk])

    def assert_closed(self, event):
        event = LoginEvent.objects.get(pk=event.pk)
        for name in SEALED:
            with pytest.raises(Tampered):
                getattr(event, name)

    @pytest.mark.feature("BT-64")
    def test_values_of_one_user_do_not_open_in_a_row_of_another(self, texts):
        """Sealed values that are copied to another user's row, or another event's, do not open."""
        other = record(user=make_user("eve"), outcome=LoginOutcome.SUCCESS, request=None)
        self.put(texts, other)
        self.assert_closed(other)

    def test_values_of_one_event_do_not_open_in_another_of_the_same_user(self, filled, texts):
        second = events(user=filled)[1]
        self.put(texts, second)
        self.assert_closed(second)

    def test_values_of_an_account_do_not_open_in_a_row_of_nobody(self, texts):
        nobodys = events(user=None)[0]
        self.put(texts, nobodys)
        self.assert_closed(nobodys)

    def test_a_row_that_is_given_to_another_user_does_not_open(self, filled):
        event = events(user=filled)[0]
        LoginEvent.objects.filter(pk=event.pk).update(user=make_user("eve"))
        self.assert_closed(event)
