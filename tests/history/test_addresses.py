"""The address of an event is the one that limits and audit log use, whatever a client sends."""

from __future__ import annotations

from uuid import uuid4

import pytest

from bt_security import history, keys
from bt_security.models import AuditEntry, LoginEvent
from bt_security.net import client_ip
from bt_security.rotation import Choice, rotate
from tests.audit.conftest import Seen, audit_on, log
from tests.history.conftest import FIREFOX, browser, log_in, only_event

__all__ = ["audit_on", "log"]

pytestmark = pytest.mark.usefixtures("history_on")

SPOOFED = "198.51.100.66"
PEER = "192.0.2.7"
CLIENT = "203.0.113.5"
KEY = "another-key-of-this-test-0123456789-abcdef"


@pytest.fixture
def audited(log, settings):
    """The same site with its audit log and limits by address."""
    settings.BT_SECURITY_FEATURES = ["audit", "ratelimit", "history"]
    settings.AUTHENTICATION_BACKENDS = [
        "bt_security.ratelimit.LimitedBackend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    settings.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "2/15m:ip"}
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }
    return settings


def audited_address():
    (entry,) = AuditEntry.objects.filter(action="user.login")
    return Seen(entry).personal_data["address"]


HEADERS = [
    {"HTTP_X_FORWARDED_FOR": SPOOFED},
    {"HTTP_X_FORWARDED_FOR": f"{SPOOFED}, 10.0.0.1"},
    {"HTTP_X_REAL_IP": SPOOFED},
    {"HTTP_FORWARDED": f"for={SPOOFED}"},
    {"HTTP_CLIENT_IP": SPOOFED, "HTTP_CF_CONNECTING_IP": SPOOFED, "HTTP_TRUE_CLIENT_IP": SPOOFED},
]


@pytest.mark.parametrize("headers", HEADERS)
def test_a_header_of_the_client_changes_no_address(audited, user, headers):
    """A forwarding header that no trusted proxy wrote changes neither event nor audit log."""
    log_in(browser(**headers), user)
    assert only_event().ip_address == PEER == audited_address()


@pytest.mark.parametrize("trusted", [1, [PEER]])
def test_behind_a_trusted_proxy_what_the_client_wrote_is_not_used(audited, user, trusted):
    audited.BT_SECURITY_NET_TRUST_PROXY = trusted
    log_in(browser(HTTP_X_FORWARDED_FOR=f"{SPOOFED}, {CLIENT}"), user)
    assert only_event().ip_address == CLIENT == audited_address()


def test_the_limiter_counts_the_same_address(audited, user):
    for number in range(2):
        log_in(browser(HTTP_X_FORWARDED_FOR=f"198.51.100.{number}"), user, "wrong")
    refused = log_in(browser(HTTP_X_FORWARDED_FOR=SPOOFED), user)
    assert refused.status_code == 429
    assert {event.ip_address for event in LoginEvent.objects.all()} == {PEER}


def test_an_event_has_the_address_that_the_request_has(user, rf):
    request = rf.post("/", REMOTE_ADDR="::ffff:192.0.2.7", HTTP_X_FORWARDED_FOR=SPOOFED)
    log_in(browser(REMOTE_ADDR="::ffff:192.0.2.7", HTTP_X_FORWARDED_FOR=SPOOFED), user)
    assert only_event().ip_address == client_ip(request)


def test_a_peer_on_a_unix_socket_without_a_proxy_has_no_address(user):
    log_in(browser(REMOTE_ADDR=""), user)
    assert only_event().ip_address is None


class TestSearch:
    """Events are found by their address, which is stored sealed."""

    def test_by_the_exact_address(self, user):
        log_in(browser(REMOTE_ADDR="1.2.3.4"), user)
        log_in(browser(REMOTE_ADDR="1.2.3.5"), user)
        (found,) = LoginEvent.objects.filter(ip_address="1.2.3.4")
        assert found.ip_address == "1.2.3.4"
        assert LoginEvent.objects.filter(ip_address__in=["1.2.3.4", "1.2.3.5"]).count() == 2
        assert not LoginEvent.objects.filter(ip_address="1.2.3.6")

    def test_by_another_spelling_of_an_ipv6_address(self, user):
        log_in(browser(REMOTE_ADDR="2001:DB8:0::0001"), user)
        assert LoginEvent.objects.filter(ip_address="2001:db8::1").exists()


class TestChangeOfKey:
    """The columns follow a change of the key, and events are found before, while and after."""

    @pytest.fixture
    def changed(self, user, monkeypatch):
        """Two events from before, in a process that has another key by now."""
        log_in(browser(REMOTE_ADDR="1.2.3.4"), user)
        log_in(browser(REMOTE_ADDR="1.2.3.4"), "nobody@example.com")
        monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", KEY)
        keys.forget()
        yield user
        monkeypatch.undo()
        keys.forget()

    def prefixes(self):
        """The keys under which the columns are sealed."""
        columns = LoginEvent.objects.values_list("ip_address", "user_agent")
        return {value.text.partition(":")[0] for row in columns for value in row}

    def test_events_of_before_are_sealed_anew_and_open(self, changed):
        assert self.prefixes() == {"e1"}
        rotate(Choice(), settle_seconds=0)
        assert self.prefixes() == {"e2"}
        assert {event.ip_address for event in LoginEvent.objects.all()} == {"1.2.3.4"}
        assert {event.user_agent for event in LoginEvent.objects.all()} == {FIREFOX}

    def test_events_of_both_keys_are_found_by_their_address(self, changed):
        log_in(browser(REMOTE_ADDR="1.2.3.4"), changed)
        assert LoginEvent.objects.filter(ip_address="1.2.3.4").count() == 3
        rotate(Choice(), settle_seconds=0)
        assert LoginEvent.objects.filter(ip_address="1.2.3.4").count() == 3
        assert not LoginEvent.objects.filter(ip_address="1.2.3.5")

    def test_a_name_of_before_has_the_same_digest(self, changed):
        rotate(Choice(), settle_seconds=0)
        log_in(browser(), "nobody@example.com")
        first, second = LoginEvent.objects.filter(user=None)
        assert first.name_digest == second.name_digest

    def test_a_spooled_event_of_before_is_stored(self, user, settings, tmp_path, monkeypatch):
        settings.BT_SECURITY_HISTORY_SPOOL_DIR = str(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr(LoginEvent._meta, "db_table", "bt_security_no_such_table")
            log_in(browser(), user)
        monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", KEY)
        keys.forget()
        assert history.replay_spool() == 1
        rotate(Choice(), settle_seconds=0)
        assert only_event().ip_address == PEER
        monkeypatch.undo()
        keys.forget()
