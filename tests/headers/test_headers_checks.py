"""Checks of the response headers."""

from __future__ import annotations

import pytest
from csp.constants import NONCE
from django.core.checks import run_checks

from bt_security.checks.headers import HEADERS_CHECKS, HEADERS_DEPLOY_CHECKS
from bt_security.headers import strict_policy

pytestmark = pytest.mark.once


def found():
    messages = (check() for check in (*HEADERS_CHECKS, *HEADERS_DEPLOY_CHECKS))
    return [message.id.removeprefix("bt_security.") for some in messages for message in some]


def policy(**directives):
    return {"DIRECTIVES": {name.replace("_", "-"): value for name, value in directives.items()}}


def test_a_good_site_passes(site):
    assert found() == []


@pytest.mark.parametrize("features", [[], ["csrf"], ["no such feature"], "headers"])
def test_nothing_is_said_while_the_feature_is_off(site, features):
    site.BT_SECURITY_FEATURES = features
    site.MIDDLEWARE = ["csp.middleware.CSPMiddleware"]
    site.SECURE_SSL_REDIRECT = True
    site.BT_SECURITY_HEADERS_PERMISSIONS_POLICY = {"Camera": []}
    site.BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS = True
    site.ROOT_URLCONF = "tests.urls"
    site.X_FRAME_OPTIONS = "DENY"
    site.CONTENT_SECURITY_POLICY = None
    assert found() == []


@pytest.mark.parametrize(
    "line",
    [
        "csp.middleware.CSPMiddleware",
        "csp.contrib.rate_limiting.RateLimitedCSPMiddleware",
        "django.middleware.csp.ContentSecurityPolicyMiddleware",
    ],
)
def test_another_middleware_with_a_policy_is_e100(site, line):
    site.MIDDLEWARE = [*site.MIDDLEWARE, line]
    assert found() == ["E100"]


@pytest.mark.parametrize("name", ["SECURE_CSP", "SECURE_CSP_REPORT_ONLY"])
def test_djangos_own_policy_is_e100(site, name):
    setattr(site, name, {"default-src": ["'self'"]})
    assert found() == ["E100"]


@pytest.mark.parametrize(
    ("name", "value"), [("SECURE_HSTS_SECONDS", 60), ("SECURE_SSL_REDIRECT", True)]
)
def test_https_without_djangos_middleware_is_e101(site, name, value):
    setattr(site, name, value)
    assert found() == []
    site.MIDDLEWARE = [line for line in site.MIDDLEWARE if "Security" not in line]
    assert found() == ["E101"]


def test_a_malformed_permissions_policy_is_e102(site):
    site.BT_SECURITY_HEADERS_PERMISSIONS_POLICY = {"camera": ["example.com"]}
    assert found() == ["E102"]


@pytest.mark.parametrize("name", ["PERMISSIONS_POLICY", "COLLECT_CSP_REPORTS"])
def test_a_wrong_type_is_left_to_its_own_check(site, name):
    setattr(site, f"BT_SECURITY_HEADERS_{name}", 3)
    assert found() == []
    messages = run_checks(tags=["security"])
    assert "bt_security.E001" in [message.id for message in messages]


def test_reports_without_a_url_are_e103(site):
    site.BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS = True
    assert found() == []
    site.ROOT_URLCONF = "tests.urls"
    assert found() == ["E103"]


@pytest.mark.parametrize(
    ("header", "ancestors", "numbers"),
    [
        ("SAMEORIGIN", "'self'", []),
        ("SAMEORIGIN", ["'self'", "https://partner.example"], []),
        ("SAMEORIGIN", ["'none'"], ["W100"]),
        ("DENY", "'none'", []),
        ("deny", ["'none'"], []),
        ("DENY", ["'self'"], ["W100"]),
        ("DENY", None, []),
    ],
)
def test_a_contradiction_about_frames_is_w100(site, header, ancestors, numbers):
    site.X_FRAME_OPTIONS = header
    site.CONTENT_SECURITY_POLICY = policy(frame_ancestors=ancestors)
    assert found() == numbers


@pytest.mark.parametrize(
    ("enforced", "reported"),
    [
        (None, None),
        (None, strict_policy()),
        (policy(script_src=["'self'", "'unsafe-inline'"]), None),
        (policy(default_src=["'unsafe-inline'"]), None),
        (policy(default_src=None), None),
    ],
)
def test_a_site_that_no_policy_protects_is_w101(site, enforced, reported):
    site.CONTENT_SECURITY_POLICY = enforced
    site.CONTENT_SECURITY_POLICY_REPORT_ONLY = reported
    assert found() == ["W101"]


def test_a_policy_without_sources_has_the_safe_default(site):
    site.CONTENT_SECURITY_POLICY = policy(img_src="https:")
    assert found() == []


@pytest.mark.parametrize(
    "source", ["'sha256-abc='", "'SHA384-abc='", "'sha512-abc='", "'strict-dynamic'"]
)
def test_inline_scripts_for_old_browsers_alone_pass(site, source):
    site.CONTENT_SECURITY_POLICY = policy(script_src=["'self'", "'unsafe-inline'", source])
    assert found() == []


@pytest.mark.parametrize("source", [NONCE, "'nonce-abc'"])
def test_inline_scripts_beside_a_nonce_are_w101(site, source):
    """A page that takes no nonce is sent none; one that is always the same protects nothing."""
    site.CONTENT_SECURITY_POLICY = policy(script_src=["'self'", "'unsafe-inline'", source])
    assert found() == ["W101"]
