"""The preset of a running site: what it must not touch, and what it adds."""

from __future__ import annotations

import pytest

from bt_security.presets import adopt, content_security_policy
from tests.presets.conftest import DJANGOS

pytestmark = pytest.mark.once

ADDED = {
    "BT_SECURITY_FEATURES",
    "INSTALLED_APPS",
    "MIDDLEWARE",
    "BT_SECURITY_COOKIES_SECURE_BY_REQUEST",
    "CONTENT_SECURITY_POLICY_REPORT_ONLY",
    "BT_SECURITY_HEADERS_CROSS_ORIGIN_RESOURCE_POLICY",
    "BT_SECURITY_HEADERS_PERMISSIONS_POLICY",
}


def test_it_touches_neither_cookies_lifetimes_hashers_nor_redirects(adopted):
    everything = {
        "HTTPS": "true",
        "FORCE_HTTPS": "true",
        "COOKIE_SECURE": "true",
        "CSRF_COOKIE_NAME": "x",
        "SESSION_LIFETIME_HOURS": "1",
        "SESSION_SECRET": "k" * 40,
    }
    assert adopted(**everything).keys() == ADDED


def test_sessions_move_only_when_asked(adopted):
    assert "sessions" not in adopted()["BT_SECURITY_FEATURES"]
    assert "SESSION_ENGINE" not in adopted()


def test_moved_sessions_have_no_idle_limit(adopted):
    found = adopted({"sessions": True})
    assert found["BT_SECURITY_FEATURES"] == ["headers", "csrf", "sessions"]
    assert found["SESSION_ENGINE"] == "bt_security.sessions.db"
    assert found["BT_SECURITY_SESSIONS_IDLE_SECONDS"] == 0
    assert "SESSION_COOKIE_AGE" not in found


def test_the_policy_only_reports(adopted):
    found = adopted()
    reported = found["CONTENT_SECURITY_POLICY_REPORT_ONLY"]["DIRECTIVES"]
    enforced = content_security_policy()["DIRECTIVES"]
    assert reported.items() <= enforced.items()
    assert enforced.keys() - reported.keys() == {"frame-ancestors"}  # X_FRAME_OPTIONS decides
    assert "CONTENT_SECURITY_POLICY" not in found


def test_nothing_of_django_is_added_or_moved(adopted):
    own = ["site.First", *DJANGOS[2:]]
    names = adopted({"MIDDLEWARE": own})["MIDDLEWARE"]
    assert [name for name in names if not name.startswith("bt_security.")] == own


def test_a_site_without_accounts_gets_the_outer_middleware_alone(adopted):
    names = adopted({"MIDDLEWARE": ["site.Only"]})["MIDDLEWARE"]
    assert names == ["bt_security.middleware.EdgeMiddleware", "site.Only"]


def test_headers_that_django_does_not_send_there_break_no_page(adopted):
    found = adopted({"MIDDLEWARE": ["site.Only"]})
    assert found["SECURE_CROSS_ORIGIN_OPENER_POLICY"] is None
    assert found["SECURE_REFERRER_POLICY"] == "strict-origin-when-cross-origin"
    assert found["X_FRAME_OPTIONS"] == "SAMEORIGIN"


def test_proxies_and_address_of_the_site_may_be_given(adopted):
    found = adopted(
        TRUST_PROXY="1", BASE_URL="https://a.example", ALLOW_INTERNAL_NETWORK="0", SINGLE_USER="al"
    )
    assert {name: found[name] for name in found.keys() - ADDED} == {
        "BT_SECURITY_NET_TRUST_PROXY": 1,
        "BT_SECURITY_SITE_BASE_URL": "https://a.example",
        "BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK": False,
        "BT_SECURITY_SITE_SINGLE_USER": "al",
    }


def test_it_reads_the_environment_of_the_process(monkeypatch):
    monkeypatch.setenv("TRUST_PROXY", "2")

    found = adopt(MIDDLEWARE=DJANGOS, INSTALLED_APPS=[])
    assert found["BT_SECURITY_NET_TRUST_PROXY"] == 2


def test_a_keyword_wins(adopted):
    assert adopted({"BT_SECURITY_FEATURES": []})["BT_SECURITY_FEATURES"] == []
