"""The header by which a site's own proxy says https, sent by somebody else."""

from __future__ import annotations

import pytest

from bt_security.middleware.proxies import drop_untrusted_forwarding
from bt_security.web.cookies import trouble

pytestmark = pytest.mark.once

OWN_HEADER = ("HTTP_CLOUDFRONT_FORWARDED_PROTO", "https")


@pytest.fixture
def site(site):
    site.SECURE_PROXY_SSL_HEADER = OWN_HEADER
    return site


@pytest.mark.parametrize("trust", [0, ["192.0.2.0/24"]])
def test_a_scheme_in_another_header_is_ignored_from_anybody(visitor, site, trust):
    site.BT_SECURITY_NET_TRUST_PROXY = trust
    seen = visitor.get("/seen", headers={"CloudFront-Forwarded-Proto": "https"}).json()
    assert seen["secure"] is False


@pytest.mark.parametrize("trust", [1, ["127.0.0.0/8"]])
def test_a_scheme_in_another_header_counts_from_a_trusted_proxy(visitor, site, trust):
    site.BT_SECURITY_NET_TRUST_PROXY = trust
    seen = visitor.get("/seen", headers={"CloudFront-Forwarded-Proto": "https"}).json()
    assert seen["secure"] is True


def test_an_ignored_scheme_in_another_header_is_trouble_with_a_proxy(rf, site):
    site.BT_SECURITY_NET_TRUST_PROXY = 0
    site.SESSION_COOKIE_SECURE = True
    request = rf.get("/", headers={"CloudFront-Forwarded-Proto": "https"})
    drop_untrusted_forwarding(request)
    assert trouble(request) == "unknown proxy"


def test_what_the_server_itself_says_of_the_scheme_stays(rf, site):
    site.BT_SECURITY_NET_TRUST_PROXY = 0
    site.SECURE_PROXY_SSL_HEADER = ("HTTPS", "on")
    request = rf.get("/", HTTPS="on")
    drop_untrusted_forwarding(request)
    assert request.is_secure()
