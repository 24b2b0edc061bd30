"""The pages of the own log-ins: what they show, to whom, and the button that ends a session."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from html import unescape

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.utils import timezone, translation

from bt_security import sessions
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.testing import CsrfClient, fixed_key
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
    session_of,
    several,
    site,
    spoil,
    stored,
)

__all__ = ["mary", "site"]

pytestmark = [pytest.mark.once, pytest.mark.django_db]

PATHS = [PAGE, SUMMARY]


def shown(client, path=PAGE, **asked):
    answer = client.get(path, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def link(page, rel):
    """The address of the page beside this one, None if there is none."""
    found = re.search(rf'<a rel="{rel}" href="([^"]+)"', page)
    return PAGE + unescape(found[1]) if found else None


def addresses(page):
    return re.findall(r"<td>(192\.0\.2\.\d+)</td>", page)


def end(client, public_id, **data):
    return client.post(f"{PAGE}end-session/{public_id}/", data)


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


def test_who_acts_as_the_owner_ends_nothing_here(mary, site):
    own = browser(mary)
    assert end(acting(mary, site), session_of(own)).status_code == 403
    assert own.get(PAGE).status_code == 200


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


def test_live_sessions_have_badges_and_others_a_button(mary):
    client, other = Client(), Client()
    for one in (client, other):
        one.force_login(mary)
    page = shown(client)
    assert page.count("This session") == 1
    assert page.count(">Active</span>") == 1
    assert f"end-session/{session_of(other)}/" in page
    assert f"end-session/{session_of(client)}/" not in page


def test_the_button_ends_the_session_and_leads_back(mary):
    client, other = Client(), Client()
    for one in (client, other):
        one.force_login(mary)
    back = f"{PAGE}?outcome=success"
    answer = end(client, session_of(other), next=back)
    assert (answer.status_code, answer["Location"]) == (302, back)
    assert other.get(PAGE).status_code == 302
    page = client.get(back).content.decode()
    assert "The session is over." in page
    assert (">Active</span>" in page, ">Over</span>" in page) == (False, True)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "\x01//evil.example",
        "",
    ],
)
def test_the_button_never_leads_to_another_site(mary, target):
    client, other = browser(mary), browser(mary)
    answer = end(client, session_of(other), next=target)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    answer = client.post(f"{PAGE}end-session/{uuid.uuid4()}/?next={target}")
    assert answer["Location"] == PAGE


def test_a_session_of_somebody_else_is_not_ended(mary):
    theirs, client = browser(make_user("bob")), browser(mary)
    end(client, session_of(theirs))
    assert theirs.get(PAGE).status_code == 200
    assert "There is no such session any more." in shown(client)


def test_who_ends_the_own_session_is_logged_out(mary):
    client = browser(mary)
    assert end(client, session_of(client))["Location"] == PAGE
    assert client.get(PAGE).status_code == 302
    assert sessions.for_user(mary) == []


def test_a_session_is_ended_by_post_alone(mary):
    client, other = browser(mary), browser(mary)
    path = f"{PAGE}end-session/{session_of(other)}/"
    assert [client.get(path).status_code, client.head(path).status_code] == [405, 405]
    assert other.get(PAGE).status_code == 200


def test_a_stranger_ends_nothing(mary):
    other = browser(mary)
    answer = end(Client(), session_of(other))
    assert answer["Location"].startswith("/log-in/")
    assert other.get(PAGE).status_code == 200


def test_the_button_needs_the_csrf_token(mary, site):
    csrf = "django.middleware.csrf.CsrfViewMiddleware"
    for middleware in (site.MIDDLEWARE, [name for name in site.MIDDLEWARE if name != csrf]):
        site.MIDDLEWARE = middleware
        client, other = browser(mary, enforce_csrf_checks=True), browser(mary)
        assert end(client, session_of(other)).status_code == 403
        assert other.get(PAGE).status_code == 200
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', shown_with_button(client, mary))[1]
        assert end(client, session_of(other), csrfmiddlewaretoken=token).status_code == 302
        assert other.get(PAGE).status_code == 302


def shown_with_button(client, user):
    LoginEvent.objects.filter(user=user).delete()
    stored(user, session_uuid=session_of(browser(user)))
    return shown(client)


def test_endings_are_limited(mary, site):
    site.BT_SECURITY_RATELIMIT_OPERATIONS = {"session_admin": "1/15m:user"}
    client = browser(mary)
    assert end(client, uuid.uuid4()).status_code == 302
    assert end(client, uuid.uuid4()).status_code == 429


def test_a_site_without_messages_works(mary, site):
    site.MIDDLEWARE = [name for name in site.MIDDLEWARE if "messages" not in name]
    client, other = browser(mary), browser(mary)
    assert end(client, session_of(other)).status_code == 302
    assert end(client, uuid.uuid4()).status_code == 302


def test_without_our_sessions_there_is_no_button(history_on, user):
    history_on.ROOT_URLCONF = "tests.history.reading_site"
    client = Client()
    client.force_login(user)
    page = shown(client)
    assert "Logged in" in page
    assert '<form method="post"' not in page


def test_the_summary_draws_the_own_log_ins(mary, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    client = browser(mary)
    several(mary, 3)
    several(mary, 2, outcome=LoginOutcome.FAILURE)
    stored(make_user("bob"))
    page = shown(client, SUMMARY)
    assert page.count("<rect ") == 2
    assert "5 log-ins and refusals, at most 5 on one day." in page
    assert re.search(r'aria-labelledby="bt-chart-title bt-chart-text"', page)
    assert re.search(r"<th scope=\"row\">03/31/2026</th><td>3</td><td>2</td><td>0</td>", page)


def test_the_summary_lists_places_and_draws_no_map(mary):
    full(mary)
    page = shown(browser(mary), SUMMARY)
    assert f'<th scope="row">{CITY}</th>' in page
    assert "<td>Country</td>" in page
    assert "<img" not in page
    assert "<iframe" not in page


def test_the_summary_without_places_says_who_decides(mary):
    page = shown(browser(mary), SUMMARY)
    assert "No place of a log-in is stored." in page
    assert 'href="/account/privacy/"' in page


def test_the_summary_counts_places_that_do_not_open(mary):
    spoil(full(mary), "location_city")
    assert "1 place cannot be read." in shown(browser(mary), SUMMARY)


def test_numbers_of_the_chart_are_written_as_svg_has_them_in_any_language(mary):
    several(mary, 3, start=timezone.now())
    client = browser(mary)
    with translation.override("de"):
        page = client.get(SUMMARY, headers={"accept-language": "de"}).content.decode()
    assert '<html lang="' in page
    assert not re.search(r' (?:x|y|width|height)="\d+,', page)


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


def test_a_client_of_the_test_suite_of_a_site_can_press_the_button(mary):
    other = browser(mary)
    client = CsrfClient()
    client.force_login(mary)
    assert end(client, session_of(other)).status_code == 302
    assert other.get(PAGE).status_code == 302
