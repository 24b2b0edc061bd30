"""Links in mails begin with the address of the site."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from bt_security.mail import link_to

pytestmark = pytest.mark.once
PATH = "/security/page/"


@pytest.fixture
def request_to():
    def make(host, *, secure=False):
        return RequestFactory().get("/", HTTP_HOST=host, secure=secure)

    return make


@pytest.mark.parametrize(
    ("base_url", "link"),
    [
        ("https://bills.example.com", f"https://bills.example.com{PATH}"),
        ("https://bills.example.com/", f"https://bills.example.com{PATH}"),
        ("https://example.com:8443/bills/", f"https://example.com:8443/bills{PATH}"),
        ("https://example.com/security", f"https://example.com{PATH}"),
        ("https://example.com?a=b#c", f"https://example.com{PATH}"),
    ],
)
def test_the_sites_own_address_wins(settings, request_to, base_url, link):
    settings.BT_SECURITY_SITE_BASE_URL = base_url
    assert link_to(PATH, request_to("localhost")) == link_to(PATH, None) == link


@pytest.mark.parametrize(("secure", "scheme"), [(True, "https"), (False, "http")])
def test_without_it_the_host_of_the_request_counts(request_to, secure, scheme):
    assert link_to(PATH, request_to("localhost:8000", secure=secure)) == (
        f"{scheme}://localhost:8000{PATH}"
    )


def test_a_host_that_the_site_does_not_answer_to_is_in_no_link(request_to):
    assert link_to(PATH, request_to("evil.example")) == ""


def test_without_a_request_and_an_address_there_is_no_link():
    assert link_to(PATH, None) == ""
