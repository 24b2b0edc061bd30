"""The pages of the own log-ins: what they show, to whom, and the button that ends a session."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from html import unescape

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.utils import timezone

from bt_security.models import LoginOutcome
from bt_security.testing import fixed_key
from tests.history.conftest import make_user
from tests.history.reading import (
    AGENT,
    CITY,
    IP,
    MINUTE,
    NOW,
    PAGE,
    SUMMARY,
    acting,
    browser,
    device_of,
    full,
    mary,
    several,
    shown,
    site,
    spoil,
    stored,
)

__all__ = ["mary", "site"]

pytestmark = [pytest.mark.once, pytest.mark.django_db]

PATHS = [PAGE, SUMMARY]


def link(page, rel):
    """The address of the page beside this one, None if there is none."""
    found = re.search(rf'<a rel="{rel}" href="([^"]+)"', page)
    return PAGE + unescape(found[1]) if found else None


def addresses(page):
    return re.findall(r"<td>(192\.0\.2\.\d+)</td>", page)


def addressed(user, count, **fields):
    for number, event in enumerate(several(user, count, **fields)):
        event.ip_address = f"192.0.2.{number + 1}"
        event.save()


@pytest.mark.parametrize("path", PATHS)
def test_strangers_are_sent_to_the_log_in(site, path):
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/log-in/?next={path}")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_read_only(mary, path):
    client = browser(mary)
    assert [getattr(client, name)(path).status_code for name in ("post", "put", "delete")] == [
        *(405, 405, 405)
    ]
    assert client.head(path).status_code == 200


@pytest.mark.feature("BT-66")
@pytest.mark.parametrize("path", PATHS)
def test_nobody_else_sees_it_whatever_they_may(mary, path):
    """The pages of the login history show their reader's own log-ins, to staff as well."""
    event = full(mary)
    other = browser(make_user("root", is_staff=True, is_superuser=True))
    for asked in ({}, {"user": mary.pk}, {"device": event.device.uuid}, {"since": "2026-01-01"}):
        page = shown(other, path, **asked)
        assert not [text for text in (IP, AGENT, CITY) if f">{text}<" in page]


def test_a_cursor_of_somebody_else_shows_the_own_first_page(mary):
    addressed(mary, 30)
    older = link(shown(browser(mary)), "next")
    other = make_user("bob")
    stored(other, ip_address="192.0.2.99")
    assert addresses(browser(other).get(older).content.decode()) == ["192.0.2.99"]


@pytest.mark.parametrize("path", PATHS)
def test_who_acts_as_the_owner_sees_nothing(mary, site, path):
    full(mary)
    answer = acting(mary, site).get(path)
    assert answer.status_code == 403
    assert IP not in answer.content.decode()


@pytest.mark.parametrize("path", PATHS)
def test_nobody_may_store_a_page(mary, path):
    assert "no-store" in browser(mary).get(path)["Cache-Control"]


def test_a_log_in_is_shown_with_all_that_is_known(mary):
    full(mary)
    page = shown(browser(mary))
    for text in (
        "Logged in",
        "You said: not me",
        "Impossible travel",
        "9000 km since the log-in before, at 4000 km/h",
        "Firefox on Linux",
        "Canary/7.0 (somebody&#x27;s own browser)",
        "New device",
        IP,
        f"{CITY}, Country",
        "Over",
    ):
        assert text in page, text


@pytest.mark.parametrize(
    ("outcome", "text"),
    [(LoginOutcome.FAILURE, "Refused"), (LoginOutcome.FACTOR_FAILED, "Second factor failed")],
)
def test_refusals_are_shown_as_such(mary, outcome, text):
    stored(mary, outcome=outcome)
    assert f">{text}</span>" in shown(browser(mary))


@pytest.mark.parametrize(
    ("method", "text"), [("password", "with a password"), ("CardBackend", "CardBackend")]
)
def test_the_way_to_log_in_is_shown(mary, method, text):
    stored(mary, method=method)
    assert f">{text}</span>" in shown(browser(mary))


def test_what_a_client_sent_is_text(mary):
    stored(mary, user_agent="<script>alert(1)</script>", device_label="<b>x")
    page = shown(browser(mary))
    assert "<script" not in page
    assert "<b>" not in page


def test_what_does_not_open_is_said_to_be_unreadable(mary):
    spoil(full(mary), "ip_address", "user_agent", "location_city")
    stored(mary, NOW - MINUTE, ip_address="192.0.2.1")
    page = shown(browser(mary))
    assert page.count("(cannot be read)") == 2
    assert (CITY in page, "Country" in page, addresses(page)) == (False, True, ["192.0.2.1"])


def test_a_place_that_does_not_open_at_all_is_said_to_be_unreadable(mary):
    event = full(mary)
    spoil(event, "location_city", "location_country")
    assert '<td><span class="bt-quiet">(cannot be read)</span></td>' in shown(browser(mary))


def test_an_empty_history_says_so(mary):
    assert "No log-ins." in shown(browser(mary))


def test_links_lead_to_older_and_newer_pages(mary):
    addressed(mary, 60)
    client = browser(mary)
    first = shown(client)
    assert link(first, "prev") is None
    second = client.get(link(first, "next")).content.decode()
    third = client.get(link(second, "next")).content.decode()
    assert link(third, "next") is None
    seen = [addresses(page) for page in (first, second, third)]
    assert [*seen[0], *seen[1], *seen[2]] == [f"192.0.2.{number + 1}" for number in range(60)]
    assert addresses(client.get(link(third, "prev")).content.decode()) == seen[1]


def test_links_keep_the_filters(mary):
    addressed(mary, 60, outcome=LoginOutcome.FAILURE)
    stored(mary, NOW - 40 * MINUTE)
    page = shown(browser(mary), outcome="failure", since="2026-03-01", device="")
    asked = link(page, "next")
    assert "outcome=failure" in asked
    assert "since=2026-03-01" in asked
    assert "device" not in asked
    assert len(addresses(browser(mary).get(asked).content.decode())) == 25


def test_filters_leave_what_they_ask_for(mary, site):
    site.TIME_ZONE = "UTC"
    device = device_of(mary, "My phone")
    stored(mary, outcome=LoginOutcome.FAILURE, ip_address="192.0.2.1", device=device)
    stored(mary, datetime(2026, 3, 30, 23, 59, tzinfo=UTC), ip_address="192.0.2.2")
    client = browser(mary)
    for asked, found in (
        ({"outcome": "failure"}, ["192.0.2.1"]),
        ({"ip_address": "192.0.2.2"}, ["192.0.2.2"]),
        ({"device": str(device.uuid)}, ["192.0.2.1"]),
        ({"until": "2026-03-30"}, ["192.0.2.2"]),
        ({"since": "2026-03-31"}, ["192.0.2.1"]),
        ({"since": "2026-03-30", "until": "2026-03-31"}, ["192.0.2.1", "192.0.2.2"]),
    ):
        assert addresses(shown(client, **asked)) == found, asked


def test_days_are_those_of_the_readers_time_zone(mary):
    stored(mary, datetime(2026, 3, 30, 22, 30, tzinfo=UTC), ip_address="192.0.2.1")
    client = browser(mary)
    with timezone.override("Europe/Berlin"):
        assert addresses(shown(client, since="2026-03-31")) == ["192.0.2.1"]
        assert addresses(shown(client, until="2026-03-30")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outcome", "won"),
        ("since", "yesterday"),
        ("since", "0001-01-01"),
        ("until", "9999-12-31"),
        ("device", "mine"),
        ("ip_address", "here"),
    ],
)
def test_a_filter_that_makes_no_sense_is_marked_and_nothing_is_listed(mary, name, value):
    stored(mary, ip_address="192.0.2.1")
    page = shown(browser(mary), **{name: value})
    assert 'class="errorlist"' in page
    assert "192.0.2.1" not in page


@pytest.mark.parametrize("cursor", ["x", "A" * 60, "x" * 500, "\0"])
def test_a_cursor_that_is_none_shows_the_first_page(mary, cursor):
    stored(mary, ip_address="192.0.2.1")
    assert addresses(shown(browser(mary), cursor=cursor)) == ["192.0.2.1"]


def test_devices_of_the_owner_can_be_chosen(mary):
    own, theirs = device_of(mary, "My phone"), device_of(make_user("bob"), "Their phone")
    page = shown(browser(mary), device=str(own.uuid))
    assert f'<option value="{own.uuid}" selected>My phone</option>' in page
    assert str(theirs.uuid) not in page


def test_a_number_of_queries_does_not_depend_on_the_number_of_events(
    mary, django_assert_num_queries
):
    client = browser(mary)
    with fixed_key():
        for count in (1, 20):
            several(mary, count, session_uuid=uuid.uuid4(), ip_address=IP, device=device_of(mary))
            # Session, user, devices, events, mark, live sessions.
            with django_assert_num_queries(6):
                shown(client)


def test_it_works_under_asgi(mary):
    full(mary)
    client = AsyncClient()
    async_to_sync(client.aforce_login)(mary)
    for path in PATHS:
        answer = async_to_sync(client.get)(path)
        assert CITY in answer.content.decode()


@pytest.mark.parametrize("path", PATHS)
def test_a_report_of_an_error_in_a_template_says_nothing_of_a_log_in(mary, path):
    full(mary)
    answer = browser(mary).get(path)
    assert CITY in answer.content.decode()
    given = repr(answer.context_data)
    assert not [secret for secret in (IP, AGENT, CITY) if secret in given]


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_no_inline_style_or_script(mary, path):
    full(mary, timezone.now())
    page = shown(browser(mary), path)
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:", page)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_can_be_read_without_seeing_it(mary, path):
    full(mary, timezone.now())
    page = shown(browser(mary), path)
    assert page.count("<h1>") == 1
    assert page.count("<table>") == page.count("<caption>")
    for name in re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', page):
        assert f'<label for="{name}"' in page
    for kind in ("lang", "<main ", 'href="#bt-content"', "<title>"):
        assert kind in page
