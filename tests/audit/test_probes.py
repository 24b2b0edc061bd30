"""What makes other audit logs lose an entry, write a false one, or keep a secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from contextlib import suppress

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from bt_security import audit, tokens
from bt_security.audit import actions, spool
from bt_security.exceptions import AuditUnavailable
from bt_security.models import AuditEntry
from bt_security.tokens import api, feeds
from tests.audit.conftest import PASSWORD, make_user
from tests.audit.site import MIDDLEWARE
from tests.testapp.models import Account

CANARIES = {
    "password": "canary-Password-7",
    "token": "canary-token",
    "code": "canary-code",
    "cookie": "canary-cookie",
    "client_secret": "canary-client-secret",
}


@pytest.fixture
def site(settings, log):
    settings.BT_SECURITY_FEATURES = ["sessions", "csrf", "ratelimit", "audit"]
    settings.ROOT_URLCONF = "tests.audit.site"
    settings.MIDDLEWARE = MIDDLEWARE
    actions.register("test.done", help="For tests.")
    actions.register("test.login", help="For tests.", on_error="spool")
    return log


@pytest.mark.parametrize(
    "header",
    [
        {"HTTP_X_CORRELATION_ID": "c" * 300},
        {"HTTP_X_REQUEST_ID": "r" * 300},
        {"HTTP_X_REQUEST_ID": "r\x00\n"},
        {"HTTP_X_FORWARDED_FOR": "not-an-ip"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.99, " * 400},
        {"HTTP_USER_AGENT": "\ud800" * 4_000},
        {"REMOTE_ADDR": "unix:"},
    ],
)
@pytest.mark.parametrize("hops", [0, 1])
def test_no_header_buys_an_action_without_its_entry(site, user, settings, header, hops):
    settings.BT_SECURITY_NET_TRUST_PROXY = hops
    data = {"username": user.email, "password": PASSWORD}
    assert Client().post("/sign-in/", data, **header).status_code == 200
    assert site.actions() == ["user.login"]


def test_a_name_of_three_hundred_characters_is_an_entry(site):
    Client().post("/sign-in/", {"username": "n" * 300, "password": "x"})
    assert site.actions() == ["user.login_failed"]


def test_a_save_that_fails_leaves_no_entry(site, user):
    other = make_user("anne")
    with suppress(IntegrityError), transaction.atomic():
        audit.record("test.done", target=user)
        user.email = other.email
        user.save()
    assert site() == []


@pytest.mark.django_db(transaction=True)
def test_a_crash_right_after_the_commit_keeps_the_entry(log, child_environment):
    child = [sys.executable, "-m", "tests.audit.crashing"]
    assert subprocess.run(child, env=child_environment, timeout=60).returncode == 9
    assert Account.objects.filter(email="crash@example.com").exists()
    assert [entry.target_id for entry in log(action="test.done")] == ["crash"]


@pytest.mark.django_db(transaction=True)
def test_a_process_that_ends_in_a_transaction_stores_its_refusals_first(log, child_environment):
    child = [sys.executable, "-m", "tests.audit.leaving"]
    assert subprocess.run(child, env=child_environment, timeout=60).returncode == 3
    assert not Account.objects.filter(email="leaving@example.com").exists()
    assert [entry.target_id for entry in log(action="test.done")] == ["leaving"]


class TestFullDisk:
    """The database has no room left."""

    @pytest.fixture
    def full(self, transactional_db, site):
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")  # pages that deleted rows have left would be filled first
            pages = cursor.execute("PRAGMA page_count").fetchone()[0]
            cursor.execute(f"PRAGMA max_page_count = {pages}")
        yield
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")

    pytestmark = pytest.mark.once

    def fill(self, action):
        for _ in range(200):
            audit.record(action, details={"text": "x" * 1_900})

    def test_raise_refuses(self, full):
        with pytest.raises(AuditUnavailable):
            self.fill("test.done")

    def test_spool_keeps_every_entry(self, full, site, settings, tmp_path):
        settings.BT_SECURITY_AUDIT_SPOOL_DIR = str(tmp_path)
        self.fill("test.login")
        assert spool.waiting()
        assert len(site(action="test.login")) + len(spool.waiting()) == 200


@pytest.mark.once
@pytest.mark.feature("TK-55")
def test_a_log_that_takes_nothing_stops_no_login(site, user, settings, tmp_path, caplog):
    """With the policy of log-ins a failing log is an error line, and the request goes on."""
    settings.BT_SECURITY_AUDIT_SPOOL_DIR = str(tmp_path)
    table = connection.ops.quote_name(AuditEntry._meta.db_table)
    away = connection.ops.quote_name("audit_entry_away")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {away}")
    try:
        data = {"username": user.email, "password": PASSWORD}
        assert Client().post("/sign-in/", data).status_code == 200
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {away} RENAME TO {table}")
    assert [record.levelname for record in caplog.records if record.name == "bt_security.audit"]
    assert len(spool.waiting()) == 1


@pytest.mark.feature("TK-57")
def test_no_secret_is_in_the_table_the_export_or_the_log_line(site, user, caplog):
    """Canaries given as secrets, tokens, addresses and names stand nowhere in the clear."""
    caplog.set_level(logging.INFO, logger="bt_security.audit")
    client = Client(REMOTE_ADDR="192.0.2.77", HTTP_USER_AGENT="canary-agent")
    client.post("/sign-in/", {"username": user.email, "password": CANARIES["password"]})
    client.post("/sign-in/", {"username": user.email, "password": PASSWORD})
    signed = tokens.issue("password_reset", user)
    tokens.redeem("password_reset", signed)
    issued = api.issue(user, "cli")
    feed = feeds.issue(user, "calendar")
    audit.record("test.done", details={**CANARIES, "deep": [CANARIES]})
    audit.record("test.done", target=make_user("canary-name"), personal={"email": "canary@x"})

    secrets = [*CANARIES.values(), "canary", "192.0.2.77", user.email, PASSWORD]
    secrets += [signed, issued.secret, feed, client.session.session_key]
    stored = str([list(row) for row in AuditEntry.objects.values_list()])
    exported = [exported_as(form) for form in ("jsonl", "csv", "ocsf")]
    for place in (stored, caplog.text, *exported):
        assert [secret for secret in secrets if secret in place] == []


def exported_as(form):
    out = io.StringIO()
    call_command("export_audit_log", format=form, stdout=out)
    return out.getvalue()


def test_an_export_can_open_personal_data_when_asked(site, user):
    client = Client(REMOTE_ADDR="192.0.2.77")
    client.post("/sign-in/", {"username": user.email, "password": PASSWORD})
    out = io.StringIO()
    call_command("export_audit_log", format="jsonl", with_personal_data=True, stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert "192.0.2.77" in str(lines)
