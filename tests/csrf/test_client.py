"""`CsrfClient`: the test client that sends tokens."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import NoReverseMatch

from bt_security.testing import AsyncCsrfClient, CsrfClient

pytestmark = [pytest.mark.once, pytest.mark.django_db]

METHODS = ["get", "head", "options", "post", "put", "patch", "delete"]


def test_the_checks_are_on(site):
    assert Client(enforce_csrf_checks=True).post("/change").status_code == 403


@pytest.mark.feature("BD-23")
@pytest.mark.parametrize("method", METHODS)
def test_the_client_passes(program, method):
    """`CsrfClient` passes Django's checks by every method, as a browser would."""
    assert getattr(program, method)("/change").status_code == 200


@pytest.mark.parametrize("method", METHODS)
def test_the_async_client_passes(site, method):
    client = AsyncCsrfClient()
    assert async_to_sync(getattr(client, method))("/change-async").status_code == 200


@pytest.mark.parametrize(
    "extra",
    [
        {"secure": True},
        {"HTTP_HOST": "localhost"},
        {"headers": {"Host": "localhost"}, "secure": True},
        {"QUERY_STRING": "a=b"},
    ],
)
def test_the_client_passes_by_https_and_under_another_name(program, extra):
    assert program.post("/change", **extra).status_code == 200


def test_the_async_client_passes_by_https(site):
    assert async_to_sync(AsyncCsrfClient().post)("/change", secure=True).status_code == 200


@pytest.mark.parametrize("name", ["X-CSRFToken", "x-csrftoken"])
def test_a_token_that_the_test_gives_stays(program, name):
    assert program.post("/change", headers={name: "x" * 32}).status_code == 403


def test_a_token_that_the_test_gives_as_wsgi_name_stays(program):
    assert program.post("/change", HTTP_X_CSRFTOKEN="x" * 32).status_code == 403


def test_an_origin_that_the_test_gives_stays(program):
    response = program.post("/change", headers={"Origin": "https://evil.example"})
    assert response["X-CSRF-Failed"] == "ORIGIN_UNTRUSTED"


def test_the_checks_can_be_switched_off(site):
    client = CsrfClient(enforce_csrf_checks=False)
    assert client.post("/change", headers={"X-CSRFToken": "x" * 32}).status_code == 200


def test_a_site_with_a_route_of_its_own_names_it(site):
    site.ROOT_URLCONF = "tests.csrf.own_route"
    with pytest.raises(NoReverseMatch):
        CsrfClient().post("/change")
    assert CsrfClient(token_path="/my-token").post("/change").status_code == 200
    client = AsyncCsrfClient(token_path="/my-token")
    assert async_to_sync(client.post)("/change").status_code == 200
