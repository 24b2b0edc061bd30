"""The preset of a new site."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bt_security.passwords import password_hashers, password_validators
from bt_security.presets import content_security_policy, strict
from tests.presets.conftest import APPS, DJANGOS
from tests.source_tree import ROOT

pytestmark = pytest.mark.once

EDGE = "bt_security.middleware.EdgeMiddleware"
ACCOUNT = "bt_security.middleware.AccountMiddleware"
PROBE = """
import sys
from bt_security import presets
presets.strict(MIDDLEWARE=[], INSTALLED_APPS=[], environ={})
import bt_security.middleware
heavy = {"django.conf", "django.db", "django.db.models", "django.http", "django.apps"}
sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)
"""


def test_a_settings_file_can_import_it_before_there_are_settings():
    probe = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True)
    assert (probe.returncode, probe.stderr) == (0, "")


def test_it_reads_the_environment_of_the_process(monkeypatch):
    monkeypatch.setenv("CSRF_COOKIE_NAME", "x_csrf")
    found = strict(MIDDLEWARE=DJANGOS, INSTALLED_APPS=APPS)
    assert found["CSRF_COOKIE_NAME"] == "x_csrf"


def test_a_keyword_wins(preset):
    found = preset({"SESSION_COOKIE_AGE": 60}, SESSION_LIFETIME_HOURS="72")
    assert found["SESSION_COOKIE_AGE"] == 60


def test_both_middleware_get_their_places(preset):
    names = preset()["MIDDLEWARE"]
    after = names.index("django.contrib.auth.middleware.AuthenticationMiddleware") + 1
    assert (names[0], names[after]) == (EDGE, ACCOUNT)
    assert [name for name in names if name not in (EDGE, ACCOUNT)] == DJANGOS


def test_a_second_pass_changes_nothing(preset):
    once = preset()
    assert preset({name: once[name] for name in ("MIDDLEWARE", "INSTALLED_APPS")}) == once


def test_misplaced_middleware_is_moved(preset):
    names = preset({"MIDDLEWARE": [ACCOUNT, *DJANGOS, EDGE, EDGE]})["MIDDLEWARE"]
    assert names == preset()["MIDDLEWARE"]


def test_what_the_features_rest_on_is_put_in(preset):
    names = preset({"MIDDLEWARE": ["django.middleware.common.CommonMiddleware"]})["MIDDLEWARE"]
    assert [name.rpartition(".")[2] for name in names] == [
        "EdgeMiddleware",
        "SecurityMiddleware",
        "SessionMiddleware",
        "CsrfViewMiddleware",
        "AuthenticationMiddleware",
        "AccountMiddleware",
        "CommonMiddleware",
    ]


def test_a_subclass_of_the_same_name_counts(preset):
    own = [name.replace("django.contrib.auth.middleware", "site.auth") for name in DJANGOS]
    names = preset({"MIDDLEWARE": own})["MIDDLEWARE"]
    assert names[names.index("site.auth.AuthenticationMiddleware") + 1] == ACCOUNT
    assert len(names) == len(DJANGOS) + 2


@pytest.mark.parametrize("apps", [["shop"], ["shop", "bt_security.apps.BTSecurityConfig"]])
def test_the_app_is_installed_once(preset, apps):
    found = preset({"INSTALLED_APPS": apps})["INSTALLED_APPS"]
    assert [name.partition(".")[0] for name in found] == ["shop", "bt_security"]


def test_log_ins_are_limited_before_any_backend_of_the_site(preset):
    limited = "bt_security.ratelimit.LimitedBackend"
    assert preset()["AUTHENTICATION_BACKENDS"][0] == limited
    found = preset({"AUTHENTICATION_BACKENDS": ["site.Ldap", limited]})
    assert found["AUTHENTICATION_BACKENDS"] == [limited, "site.Ldap"]


def test_passwords_are_judged_and_hashed_as_that_feature_says(preset):
    found = preset()
    assert found["PASSWORD_HASHERS"] == password_hashers()
    assert found["AUTH_PASSWORD_VALIDATORS"] == password_validators()


def test_cookies_are_named_and_strict(preset):
    found = preset()
    for role, name in (("SESSION", "bt_session"), ("CSRF", "bt_csrf_token")):
        start = f"{role}_COOKIE_"
        attributes = [found[start + part] for part in ("NAME", "HTTPONLY", "SAMESITE", "PATH")]
        assert attributes == [name, True, "Strict", "/"]


@pytest.mark.parametrize(
    "environ", [{"HTTPS": "1"}, {"COOKIE_SECURE": "1"}, {"BASE_URL": "https://bills.example"}]
)
def test_names_are_bound_to_the_host_when_secure_is_certain(preset, environ):
    found = preset(**environ)
    assert found["SESSION_COOKIE_NAME"] == "__Host-bt_session"
    assert found["CSRF_COOKIE_NAME"] == "__Host-bt_csrf_token"
    assert found["SESSION_COOKIE_DOMAIN"] is found["CSRF_COOKIE_DOMAIN"] is None


def test_a_request_decides_where_nobody_else_does(preset):
    found = preset()
    assert found["BT_SECURITY_COOKIES_SECURE_BY_REQUEST"] == ["session", "csrf"]
    assert (found["SESSION_COOKIE_SECURE"], found["CSRF_COOKIE_SECURE"]) == (False, False)


def test_no_request_decides_against_the_operator(preset):
    found = preset(COOKIE_SECURE="false")
    assert found["BT_SECURITY_COOKIES_SECURE_BY_REQUEST"] == []


def test_the_csrf_cookie_may_differ(preset):
    found = preset(HTTPS="true", CSRF_SECURE="false")
    assert (found["SESSION_COOKIE_SECURE"], found["CSRF_COOKIE_SECURE"]) == (True, False)
    assert found["CSRF_COOKIE_NAME"] == "bt_csrf_token"


@pytest.mark.feature("BT-02")
def test_the_csrf_cookie_has_the_name_of_the_environment(preset):
    """`CSRF_COOKIE_NAME` in the environment is the name of the CSRF cookie."""
    assert preset(CSRF_COOKIE_NAME="x_csrf", HTTPS="1")["CSRF_COOKIE_NAME"] == "x_csrf"


@pytest.mark.feature("BT-03")
def test_scripts_may_read_the_csrf_cookie_only_when_told(preset):
    """`CSRF_HTTP_ONLY=false` lets scripts read the CSRF cookie."""
    assert preset(CSRF_HTTP_ONLY="false")["CSRF_COOKIE_HTTPONLY"] is False


@pytest.mark.feature("BT-04")
@pytest.mark.parametrize("text", ["strict", "lax", "none", "LAX"])
def test_same_site_of_the_csrf_cookie_is_the_environments(preset, text):
    """`CSRF_SAME_SITE` is the SameSite attribute of the CSRF cookie."""
    assert preset(CSRF_SAME_SITE=text)["CSRF_COOKIE_SAMESITE"] == text.capitalize()


@pytest.mark.feature("BT-05")
def test_the_csrf_cookie_is_secure_when_told(preset):
    """`CSRF_SECURE` alone decides about the CSRF cookie."""
    assert preset(CSRF_SECURE="true")["CSRF_COOKIE_SECURE"] is True
    assert preset(CSRF_SECURE="false", HTTPS="1")["CSRF_COOKIE_SECURE"] is False


@pytest.mark.feature("BT-31")
def test_a_session_lasts_seven_days(preset):
    """Without another word a session ends seven days after the log-in."""
    assert preset()["SESSION_COOKIE_AGE"] == 604_800


@pytest.mark.feature("TC-07")
def test_the_lifetime_is_given_in_hours(preset):
    """`SESSION_LIFETIME_HOURS=72` gives sessions of 259200 seconds."""
    assert preset(SESSION_LIFETIME_HOURS="72")["SESSION_COOKIE_AGE"] == 259_200


@pytest.mark.feature("BT-14")
def test_hsts_comes_with_https(preset):
    """`HTTPS=true` switches `Strict-Transport-Security` on, for a year."""
    assert preset(HTTPS="true")["SECURE_HSTS_SECONDS"] == 31_536_000
    assert preset()["SECURE_HSTS_SECONDS"] == preset(HTTPS="false")["SECURE_HSTS_SECONDS"] == 0


@pytest.mark.feature("TK-18")
def test_forced_https_does_all_three(preset):
    """`FORCE_HTTPS` redirects all but the health path, sends HSTS, and upgrades requests."""
    found = preset(FORCE_HTTPS="true")
    assert found["SECURE_SSL_REDIRECT"] is True
    assert found["SECURE_HSTS_SECONDS"] == 31_536_000
    assert found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["upgrade-insecure-requests"] is True
    assert found["SECURE_REDIRECT_EXEMPT"] == [r"^api/health$"]


@pytest.mark.feature("TK-19")
def test_subdomains_are_included_only_when_told(preset):
    """HSTS includes subdomains only with `HSTS_INCLUDE_SUBDOMAINS=true`."""
    assert preset(HTTPS="1")["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is False
    found = preset(HTTPS="1", HSTS_INCLUDE_SUBDOMAINS="true")
    assert found["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is True


@pytest.mark.parametrize(("text", "trusted"), [("2", 2), ("10.0.0.0/8", ["10.0.0.0/8"])])
def test_a_trusted_proxy_may_say_that_it_speaks_https(preset, text, trusted):
    found = preset(TRUST_PROXY=text)
    assert found["BT_SECURITY_NET_TRUST_PROXY"] == trusted
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.mark.parametrize("environ", [{}, {"TRUST_PROXY": "0"}])
def test_without_a_trusted_proxy_no_header_makes_a_request_secure(preset, environ):
    found = preset(**environ)
    assert (found["BT_SECURITY_NET_TRUST_PROXY"], found["SECURE_PROXY_SSL_HEADER"]) == (0, None)


@pytest.mark.feature("TC-20")
def test_the_referrer_policy_tells_other_sites_the_origin_alone(preset):
    """`Referrer-Policy` is strict-origin-when-cross-origin."""
    assert preset()["SECURE_REFERRER_POLICY"] == "strict-origin-when-cross-origin"


@pytest.mark.parametrize("frame_options", ["SAMEORIGIN", "DENY"])
def test_the_policy_says_the_same_about_frames(preset, frame_options):
    found = preset({"X_FRAME_OPTIONS": frame_options})
    assert found["X_FRAME_OPTIONS"] == frame_options
    wanted = content_security_policy(frame_options=frame_options)
    assert found["CONTENT_SECURITY_POLICY"] == wanted


def test_a_session_secret_is_the_secret_key(preset):
    secret = "a secret of the environment, 32 bytes and more"
    assert preset(SESSION_SECRET=secret)["SECRET_KEY"] == secret
    assert "SECRET_KEY" not in preset()


def test_the_secret_key_of_the_site_wins(preset):
    found = preset({"SECRET_KEY": "of the site"}, SESSION_SECRET="of the environment")
    assert found["SECRET_KEY"] == "of the site"


def test_the_rest_of_the_environment_becomes_settings(preset):
    found = preset(
        BASE_URL="https://bills.example/", SINGLE_USER="alice", ALLOW_INTERNAL_NETWORK="yes"
    )
    assert found["BT_SECURITY_SITE_BASE_URL"] == "https://bills.example"
    assert found["BT_SECURITY_SITE_SINGLE_USER"] == "alice"
    assert found["BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK"] is True
