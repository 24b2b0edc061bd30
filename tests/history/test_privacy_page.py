"""The page on which a user allows places to be kept, and deletes them."""

from __future__ import annotations

import pytest
from django.test import Client

from bt_security.history.privacy import may_locate, set_geolocation
from tests.audit.conftest import audit_on, log  # noqa: F401 - fixtures
from tests.history.places import NOWHERE, PROVIDER, logged_in, place_of
from tests.history.test_privacy_api import acting, browser, site, user  # noqa: F401 - fixtures

pytestmark = [pytest.mark.once, pytest.mark.django_db]

PAGE = "/account/privacy/"
CHECKED = b'id="bt-geolocation" checked'
OFF = b"This site looks up no places at the moment"


def test_strangers_are_sent_to_the_log_in(site):  # noqa: F811
    site.LOGIN_URL = "/log-in/"
    answer = Client().post(PAGE, {"geolocation_enabled": "on"})
    assert (answer.status_code, answer["Location"]) == (302, f"/log-in/?next={PAGE}")


@pytest.mark.feature("BT-60")
def test_the_box_is_empty_until_the_user_has_ticked_it(user):  # noqa: F811
    """The page "Privacy" has an empty box until the user has ticked it."""
    client = browser(user)
    assert CHECKED not in client.get(PAGE).content
    answer = client.post(PAGE, {"action": "save", "geolocation_enabled": "on"})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert may_locate(user)
    assert CHECKED in client.get(PAGE).content


def test_an_empty_box_withdraws(user):  # noqa: F811
    set_geolocation(user, enabled=True)
    client = browser(user)
    client.post(PAGE, {"action": "save"})
    assert not may_locate(user)
    assert "Your choice is stored." in client.get(PAGE).content.decode()


@pytest.mark.parametrize(("count", "text"), [(1, "1 log-in was"), (2, "2 log-ins were")])
def test_the_button_erases_and_leaves_the_choice(user, count, text):  # noqa: F811
    set_geolocation(user, enabled=True)
    stored = [logged_in(user, location_city="Munich") for _ in range(count)]
    client = browser(user)
    client.post(PAGE, {"action": "erase"})
    assert [place_of(event) for event in stored] == [NOWHERE] * count
    assert may_locate(user)
    assert text in client.get(PAGE).content.decode()


def test_opening_the_page_changes_nothing(user):  # noqa: F811
    event = logged_in(user, location_city="Munich")
    client = browser(user)
    assert client.get(f"{PAGE}?action=erase&geolocation_enabled=on").status_code == 200
    assert client.head(PAGE).status_code == 200
    assert client.put(PAGE).status_code == 405
    assert not may_locate(user)
    assert place_of(event)["location_city"] == "Munich"


def test_a_post_needs_the_csrf_token(user, site):  # noqa: F811
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    for middleware in (site.MIDDLEWARE, [name for name in site.MIDDLEWARE if name != csrf]):
        site.MIDDLEWARE = middleware
        client = browser(user, enforce_csrf_checks=True)
        assert client.post(PAGE, {"geolocation_enabled": "on"}).status_code == 403
    assert not may_locate(user)


def test_nobody_may_store_the_page(user):  # noqa: F811
    assert "no-store" in browser(user).get(PAGE)["Cache-Control"]


def test_the_page_says_where_nothing_is_looked_up(user, site):  # noqa: F811
    client = browser(user)
    assert OFF in client.get(PAGE).content
    site.BT_SECURITY_GEO_PROVIDER = PROVIDER
    assert OFF not in client.get(PAGE).content


def test_who_acts_as_another_sees_the_choice_and_changes_nothing(user):  # noqa: F811
    client = acting(user)
    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, {"geolocation_enabled": "on"}).status_code == 403
    assert not may_locate(user)


def test_changes_on_the_page_are_limited(user, site):  # noqa: F811
    site.BT_SECURITY_RATELIMIT_OPERATIONS = {"privacy": "1/15m:user"}
    client = browser(user)
    assert client.post(PAGE, {"geolocation_enabled": "on"}).status_code == 302
    assert client.post(PAGE, {}).status_code == 429
    assert client.get(PAGE).status_code == 200
    assert may_locate(user)


def test_a_site_without_messages_works(user, site):  # noqa: F811
    site.MIDDLEWARE = [name for name in site.MIDDLEWARE if "messages" not in name]
    assert browser(user).post(PAGE, {"geolocation_enabled": "on"}).status_code == 302
    assert may_locate(user)


def test_each_part_of_the_page_has_a_heading_and_the_box_a_label(user):  # noqa: F811
    page = browser(user).get(PAGE).content.decode()
    assert 'aria-labelledby="bt-places"' in page
    assert '<label for="bt-geolocation">' in page
    assert "<script" not in page
    assert "style=" not in page
