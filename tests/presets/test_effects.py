"""What a site under the strict preset does with a request."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from bt_security.conf import judge_secret_key

pytestmark = pytest.mark.once

HSTS = "Strict-Transport-Security"


@pytest.fixture
def site(settings, preset):
    """The pages of `tests/middleware/site.py` under `strict` in a given environment."""

    def serve(**environ):
        found = preset(**environ)
        for name in found.keys() - {"INSTALLED_APPS"}:
            setattr(settings, name, found[name])
        settings.ROOT_URLCONF = "tests.middleware.site"
        return Client()

    return serve


@pytest.mark.feature("BT-14")
def test_hsts_is_sent_by_https_alone(site):
    """With `HTTPS=true` an answer by https carries HSTS; others and other sites' do not."""
    visitor = site(HTTPS="true")
    assert visitor.get("/static", secure=True)[HSTS] == "max-age=31536000"
    assert HSTS not in visitor.get("/static")
    assert HSTS not in site().get("/static", secure=True)


@pytest.mark.feature("TK-19")
def test_subdomains_are_named_only_when_told(site):
    """The HSTS header names subdomains only with `HSTS_INCLUDE_SUBDOMAINS=true`."""
    environ = {"HTTPS": "true", "HSTS_INCLUDE_SUBDOMAINS": "true"}
    sent = site(**environ).get("/static", secure=True)[HSTS]
    assert sent == "max-age=31536000; includeSubDomains"


@pytest.mark.feature("TK-18")
def test_forced_https_redirects_upgrades_and_sends_hsts(site):
    """`FORCE_HTTPS=true` redirects to https by 301, upgrades requests and sends HSTS."""
    visitor = site(FORCE_HTTPS="true")
    redirect = visitor.get("/static")
    assert (redirect.status_code, redirect["Location"]) == (301, "https://testserver/static")
    page = visitor.get("/static", secure=True)
    assert page[HSTS] == "max-age=31536000"
    assert "upgrade-insecure-requests" in page["Content-Security-Policy"]


@pytest.mark.feature("TK-18")
def test_the_health_path_is_not_redirected(site):
    """`FORCE_HTTPS=true` leaves the health path on plain http, and what only begins like it not."""
    visitor = site(FORCE_HTTPS="true")
    assert visitor.get("/api/health").status_code == 404  # the test site has no such page
    assert visitor.get("/api/healthy").status_code == 301
    assert visitor.get("/x/api/health").status_code == 301


@pytest.mark.feature("BT-15")
@pytest.mark.parametrize(
    ("peer", "status"), [("10.0.0.7", 200), ("203.0.113.5", 301), ("nonsense", 301)]
)
def test_a_trusted_proxy_alone_may_say_https(site, peer, status):
    """With `TRUST_PROXY` the scheme of those proxies counts, and nobody else's."""
    visitor = site(FORCE_HTTPS="true", TRUST_PROXY="10.0.0.0/8")
    headers = {"X-Forwarded-Proto": "https"}
    assert visitor.get("/static", headers=headers, REMOTE_ADDR=peer).status_code == status


@pytest.mark.feature("TC-20")
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/static", "/nowhere", "/away"])
def test_every_answer_has_the_referrer_policy(site, path):
    """Every answer, errors too, has `Referrer-Policy: strict-origin-when-cross-origin`."""
    visitor = site()
    visitor.raise_request_exception = False
    assert visitor.get(path)["Referrer-Policy"] == "strict-origin-when-cross-origin"


@pytest.mark.feature("TC-06")
@pytest.mark.feature("BD-12")
def test_a_secret_of_31_bytes_stops_the_start(settings, preset):
    """`SESSION_SECRET` of less than 32 bytes, counted in UTF-8, stops the start."""
    settings.SECRET_KEY = preset(SESSION_SECRET="é" * 15 + "x")["SECRET_KEY"]
    with pytest.raises(ImproperlyConfigured, match="31 bytes"):
        judge_secret_key()
    settings.SECRET_KEY = preset(SESSION_SECRET="é" * 16)["SECRET_KEY"]
    judge_secret_key()


@pytest.mark.feature("BD-12")
def test_a_short_secret_is_fine_in_development(settings):
    """In development a short `SECRET_KEY` is accepted, an empty one never."""
    settings.DEBUG = True
    settings.SECRET_KEY = "short"
    judge_secret_key()
    settings.SECRET_KEY = ""
    with pytest.raises(ImproperlyConfigured):
        judge_secret_key()
