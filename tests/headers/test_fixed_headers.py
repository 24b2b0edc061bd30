"""Headers whose value depends on settings alone."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured

from bt_security.headers import strict_policy
from bt_security.headers.fixed import fixed_headers
from tests.headers.site import OWN_HEADERS

pytestmark = [pytest.mark.once, pytest.mark.django_db]

KINDS_OF_RESPONSE = [
    ("/page", 200),
    ("/page-async", 200),
    ("/json", 200),
    ("/nowhere", 404),
    ("/broken", 500),
    ("/suspicious", 400),
    ("/moved", 302),
    ("/static/site.py", 200),
    ("/static/nothing.css", 404),
    ("/streamed", 200),
    ("/file", 200),
    ("/admin/", 302),
]


def without_body(response):
    """Read and close a response, so that a file in it is closed too."""
    if response.streaming and not response.is_async:
        list(response.streaming_content)
    response.close()
    return response


@pytest.mark.feature("BT-55")
@pytest.mark.feature("TC-18")
@pytest.mark.parametrize(("path", "status"), KINDS_OF_RESPONSE)
def test_every_kind_of_response_has_the_headers(visitor, path, status):
    """Pages, JSON, errors, redirects, static files and streams all say `nosniff`."""
    response = without_body(visitor.get(path))
    assert response.status_code == status
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Permissions-Policy"].startswith("accelerometer=(), camera=()")
    assert response["Content-Security-Policy"].startswith("base-uri 'self'; default-src 'self'")


@pytest.mark.parametrize("path", ["/page-async", "/page", "/nowhere", "/broken", "/streamed-async"])
def test_a_response_of_an_asgi_site_has_them_too(async_visitor, path):
    response = async_to_sync(async_visitor.get)(path)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in response


@pytest.mark.parametrize("path", ["/page", "/own", "/framed"])
def test_a_site_without_the_feature_gets_no_header_of_it(visitor, site, path):
    site.BT_SECURITY_FEATURES = []
    response = visitor.get(path)
    ours = {"Permissions-Policy", "X-Permitted-Cross-Domain-Policies", "Content-Security-Policy"}
    assert path == "/own" or not ours & response.headers.keys()


@pytest.mark.parametrize("name", OWN_HEADERS)
def test_a_header_that_the_view_has_set_is_kept(visitor, site, name):
    site.BT_SECURITY_HEADERS_XSS_PROTECTION = "0"
    assert visitor.get("/own")[name] == "own"


def test_a_view_that_may_be_framed_has_no_frame_header(visitor):
    response = visitor.get("/framed")
    assert "X-Frame-Options" not in response
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.feature("BT-56")
@pytest.mark.feature("TC-19")
@pytest.mark.parametrize("value", ["SAMEORIGIN", "DENY", "deny"])
def test_the_frame_header_is_the_one_of_the_setting(visitor, site, value):
    """`X-Frame-Options` is `SAMEORIGIN` or `DENY`, as `X_FRAME_OPTIONS` says."""
    site.X_FRAME_OPTIONS = value
    assert visitor.get("/plain")["X-Frame-Options"] == value.upper()


@pytest.mark.feature("BT-57")
@pytest.mark.feature("TC-20")
@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("strict-origin-when-cross-origin", "strict-origin-when-cross-origin"),
        ("no-referrer, same-origin", "no-referrer,same-origin"),
        (["no-referrer", "same-origin"], "no-referrer,same-origin"),
    ],
)
def test_the_referrer_policy_is_the_one_of_the_setting(visitor, site, value, header):
    """`Referrer-Policy` has exactly the value of `SECURE_REFERRER_POLICY`."""
    site.SECURE_REFERRER_POLICY = value
    assert visitor.get("/plain")["Referrer-Policy"] == header


@pytest.mark.feature("BT-58")
def test_readers_of_other_domains_are_refused(visitor):
    """`X-Permitted-Cross-Domain-Policies` is `none`."""
    assert visitor.get("/plain")["X-Permitted-Cross-Domain-Policies"] == "none"


@pytest.mark.feature("TC-21")
def test_the_filter_of_old_browsers_is_off_unless_asked_for(visitor, site):
    """`X-XSS-Protection: 1; mode=block` is sent only where the setting asks for it."""
    assert "X-XSS-Protection" not in visitor.get("/plain")
    site.BT_SECURITY_HEADERS_XSS_PROTECTION = "1; mode=block"
    assert visitor.get("/plain")["X-XSS-Protection"] == "1; mode=block"


@pytest.mark.parametrize(
    ("setting", "header"),
    [
        ("SECURE_CONTENT_TYPE_NOSNIFF", "X-Content-Type-Options"),
        ("SECURE_REFERRER_POLICY", "Referrer-Policy"),
        ("SECURE_CROSS_ORIGIN_OPENER_POLICY", "Cross-Origin-Opener-Policy"),
        ("BT_SECURITY_HEADERS_CROSS_DOMAIN_POLICIES", "X-Permitted-Cross-Domain-Policies"),
        ("BT_SECURITY_HEADERS_CROSS_ORIGIN_RESOURCE_POLICY", "Cross-Origin-Resource-Policy"),
        ("BT_SECURITY_HEADERS_PERMISSIONS_POLICY", "Permissions-Policy"),
    ],
)
def test_a_header_can_be_left_out(visitor, site, setting, header):
    nothing = {} if header == "Permissions-Policy" else "" if "BT_" in setting else None
    setattr(site, setting, nothing)
    assert header not in visitor.get("/plain")


def test_browser_features_are_given_to_whom_the_setting_says(visitor, site):
    site.BT_SECURITY_HEADERS_PERMISSIONS_POLICY = {
        "camera": [],
        "fullscreen": ["*"],
        "geolocation": ["self", "https://maps.example.com"],
    }
    assert visitor.get("/plain")["Permissions-Policy"] == (
        'camera=(), fullscreen=*, geolocation=(self "https://maps.example.com")'
    )


@pytest.mark.parametrize(
    "features",
    [
        {"Camera": []},
        {"camera;geolocation": []},
        {"camera": ["*", "self"]},
        {"camera": ["maps.example.com"]},
        {"camera": ['https://a.example" "https://b.example']},
        {"camera": ["self\r\nSet-Cookie: a=b"]},
    ],
)
def test_a_malformed_permissions_policy_is_refused(site, features):
    site.BT_SECURITY_HEADERS_PERMISSIONS_POLICY = features
    with pytest.raises(ImproperlyConfigured, match="BT_SECURITY_HEADERS_PERMISSIONS_POLICY"):
        fixed_headers()


@pytest.mark.feature("TK-18")
def test_https_is_forced_by_three_means(visitor, site):
    """With https forced, http is redirected, HSTS is sent and old links are upgraded."""
    site.SECURE_SSL_REDIRECT = True
    site.SECURE_REDIRECT_EXEMPT = ["^json$"]
    site.SECURE_HSTS_SECONDS = 31_536_000
    site.CONTENT_SECURITY_POLICY = strict_policy(force_https=True)
    redirect = visitor.get("/plain")
    assert (redirect.status_code, redirect["Location"]) == (301, "https://testserver/plain")
    assert visitor.get("/json").status_code == 200
    response = visitor.get("/plain", secure=True)
    assert response["Strict-Transport-Security"] == "max-age=31536000"
    assert response["Content-Security-Policy"].endswith("; upgrade-insecure-requests")


@pytest.mark.feature("TK-19")
@pytest.mark.parametrize(
    ("asked", "header"), [(False, "max-age=60"), (True, "max-age=60; includeSubDomains")]
)
def test_hsts_speaks_of_subdomains_only_when_asked_to(visitor, site, asked, header):
    """`includeSubDomains` is part of HSTS only where the setting says so."""
    site.SECURE_HSTS_SECONDS = 60
    site.SECURE_HSTS_INCLUDE_SUBDOMAINS = asked
    assert visitor.get("/plain", secure=True)["Strict-Transport-Security"] == header
