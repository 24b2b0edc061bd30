"""The own log-ins as JSON: who may ask, what comes, and what never does."""

from __future__ import annotations

import json
import uuid

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient, Client
from jsonschema import Draft202012Validator

from bt_security.history.views import PAGE_SCHEMA
from bt_security.models import LoginEvent, LoginOutcome
from bt_security.testing import fixed_key
from tests.history.conftest import log_in, make_user
from tests.history.reading import (
    AGENT,
    API,
    CITY,
    EXPORT,
    IP,
    MINUTE,
    NOW,
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
    uids,
)

__all__ = ["mary", "site"]

pytestmark = [pytest.mark.once, pytest.mark.django_db]

SECRETS = (IP, AGENT, CITY)


def answered(client, **asked):
    answer = client.get(API, asked)
    assert answer.status_code == 200, answer.content
    found = answer.json()
    Draft202012Validator(PAGE_SCHEMA).validate(found)
    return found


def only(client, **asked):
    (event,) = answered(client, **asked)["events"]
    return event


def ids(found):
    return [event["id"] for event in found["events"]]


@pytest.mark.parametrize("path", [API, EXPORT])
def test_strangers_are_refused(site, path):
    answer = Client().get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("path", [API, EXPORT])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_changed_there(mary, path, method):
    assert getattr(browser(mary), method)(path).status_code == 405


@pytest.mark.feature("BT-66")
@pytest.mark.parametrize(
    "fields", [{}, {"is_staff": True}, {"is_staff": True, "is_superuser": True}]
)
def test_nobody_else_gets_anything_of_it_whatever_they_may(mary, fields):
    """An account's login history is for its owner: other users and staff get nothing of it."""
    event = full(mary)
    theirs = answered(browser(mary), limit=1)
    stored(mary, NOW - MINUTE)
    cursor = answered(browser(mary), limit=1)["next_cursor"]
    other = browser(make_user("bob", **fields))
    assert answered(other)["events"] == []
    answer = other.get(API, {"cursor": cursor})
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["cursor"])
    for asked in ({"ip_address": IP}, {"device": event.device.uuid}):
        assert answered(other, **asked)["events"] == []
    seen = answered(other, limit=1), other.get(f"{API}?user={mary.pk}").json()
    assert theirs["events"][0]["id"] not in json.dumps(seen)


def test_who_acts_as_the_owner_sees_nothing(mary, site):
    full(mary)
    client = acting(mary, site)
    for path in (API, EXPORT):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_WHILE_IMPERSONATING")


def test_an_event_says_all_that_is_stored(mary):
    event = full(mary)
    assert only(browser(mary)) == {
        "id": str(event.uid),
        "happened_at": "2026-03-31T14:25:00+00:00",
        "outcome": "success",
        "method": "password",
        "device": {"id": str(event.device.uuid), "label": "Firefox on Linux", "is_new": True},
        "ip_address": IP,
        "user_agent": AGENT,
        "location": {
            "city": CITY,
            "region": "Region",
            "country": "Country",
            "isp": "Provider",
            "point": "1.000,2.000",
        },
        "travel": {"km": 9000, "kmh": 4000},
        "disowned_at": "2026-03-31T14:25:00+00:00",
        "unreadable": [],
        "session": {"id": str(event.session_uuid), "is_active": False, "is_current": False},
    }


def test_what_is_not_stored_is_null(mary):
    stored(mary, outcome=LoginOutcome.FACTOR_FAILED)
    event = only(browser(mary))
    names = ("ip_address", "user_agent", "location", "travel", "disowned_at", "session")
    assert {event[name] for name in names} == {None}
    assert event["device"] == {"id": None, "label": "", "is_new": False}


def test_what_does_not_open_is_named_and_breaks_nothing(mary):
    spoil(full(mary), "ip_address", "location_city")
    event = only(browser(mary))
    assert event["unreadable"] == ["ip_address", "location_city"]
    assert (event["ip_address"], event["location"]["city"]) == (None, None)
    assert (event["user_agent"], event["location"]["country"]) == (AGENT, "Country")


@pytest.mark.feature("BT-64")
def test_values_of_another_users_row_do_not_open(mary):
    """Address, browser and place of a log-in open in the row of their owner alone."""
    theirs, own = full(make_user("bob")), full(mary, ip_address="192.0.2.1")
    columns = list(only(browser(mary))["location"])
    copied = ["ip_address", "user_agent", *(f"location_{name}" for name in columns)]
    with connection.cursor() as cursor:
        for column in copied:
            cursor.execute(
                f"UPDATE bt_security_login_event SET {column} = (SELECT {column} FROM "
                "bt_security_login_event WHERE id = %s) WHERE id = %s",
                [theirs.pk, own.pk],
            )
    event = only(browser(mary))
    assert event["unreadable"] == copied
    assert not [secret for secret in SECRETS if secret in json.dumps(event)]


def test_a_log_in_leads_to_the_session_that_it_began(mary):
    client, other = Client(), Client()
    for one in (client, other):
        one.force_login(mary)
    current, active = session_of(client), session_of(other)
    found = {event["session"]["id"]: event["session"] for event in answered(client)["events"]}
    assert found[str(current)] == {"id": str(current), "is_active": True, "is_current": True}
    assert found[str(active)] == {"id": str(active), "is_active": True, "is_current": False}


def test_a_session_is_ended_by_the_id_in_its_log_in(mary):
    client, other = browser(mary), Client()
    other.force_login(mary)
    session = only(client)["session"]
    assert client.delete(f"/api/sessions/{session['id']}").status_code == 204
    assert only(client)["session"] == {**session, "is_active": False}
    assert other.get("/api/sessions").status_code == 401


def test_cursors_lead_through_all_and_back(mary):
    own = uids(several(mary, 7))
    client = browser(mary)
    first = answered(client, limit=3)
    second = answered(client, limit=3, cursor=first["next_cursor"])
    third = answered(client, limit=3, cursor=second["next_cursor"])
    assert [*ids(first), *ids(second), *ids(third)] == own
    assert (first["previous_cursor"], third["next_cursor"]) == (None, None)
    back = answered(client, limit=3, cursor=third["previous_cursor"])
    assert ids(back) == own[3:6]


def test_a_cursor_tells_no_id(mary):
    first, _second = several(mary, 2)
    cursor = answered(browser(mary), limit=1)["next_cursor"]
    assert str(first.uid) not in cursor
    assert cursor != answered(browser(mary), limit=1)["next_cursor"]


@pytest.mark.parametrize(
    ("limit", "count"), [("", 50), ("0", 1), ("-5", 1), ("7", 7), ("9999", 100)]
)
def test_a_limit_is_brought_into_its_bounds(mary, limit, count):
    LoginEvent.objects.bulk_create(
        LoginEvent(user=mary, outcome="success", happened_at=NOW - n * MINUTE) for n in range(101)
    )
    assert len(answered(browser(mary), limit=limit)["events"]) == count


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "many"),
        ("cursor", "x"),
        ("cursor", "x" * 61),
        ("since", "yesterday"),
        ("until", "2026-99-99"),
        ("outcome", "won"),
        ("ip_address", "here"),
        ("device", "mine"),
        ("user", "5"),
        ("format", "csv"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(mary, name, value):
    answer = browser(mary).get(API, {name: value})
    assert (answer.status_code, answer.json()["code"]) == (400, "VALIDATION_FAILED")
    assert list(answer.json()["fields"]) == [name]


def test_filters_leave_what_they_ask_for(mary):
    event = full(mary, NOW - MINUTE, outcome=LoginOutcome.FAILURE)
    stored(mary)
    client = browser(mary)
    for asked in (
        {"outcome": "failure"},
        {"ip_address": f" {IP} "},
        {"ip_address": f"::ffff:{IP}"},
        {"device": str(event.device.uuid)},
        {"until": NOW.isoformat()},
        {"since": "2026-03-31", "until": "2026-03-31T14:25Z"},
    ):
        assert ids(answered(client, **asked)) == [str(event.uid)], asked


def test_a_number_of_queries_does_not_depend_on_the_number_of_events(
    mary, django_assert_num_queries
):
    client = browser(mary)
    sealed = {"ip_address": IP, "user_agent": AGENT, "location_city": CITY}
    with fixed_key():
        for count in (1, 20):
            several(mary, count, session_uuid=uuid.uuid4(), device=device_of(mary), **sealed)
            with django_assert_num_queries(5):  # session, user, events, mark, live sessions
                assert len(answered(client)["events"]) >= count


def test_no_answer_may_be_stored(mary):
    full(mary)
    for path in (API, EXPORT):
        assert browser(mary).get(path)["Cache-Control"] == "no-store"


def test_it_works_under_asgi(mary):
    full(mary)
    client = AsyncClient()
    async_to_sync(client.aforce_login)(mary)
    answer = async_to_sync(client.get)(API, {"limit": 1, "until": "2026-06-01"})
    assert answer.json()["events"][0]["ip_address"] == IP


def test_without_our_sessions_there_is_none_to_end(history_on, user):
    history_on.ROOT_URLCONF = "tests.history.reading_site"
    client = Client()
    client.force_login(user)
    event = only(client)
    assert (event["session"], event["outcome"]) == (None, "success")


def test_refused_log_ins_with_the_own_name_are_there(mary, site):
    site.ROOT_URLCONF = "tests.history.site"
    log_in(Client(REMOTE_ADDR=IP), mary, "wrong")
    site.ROOT_URLCONF = "tests.history.reading_site"
    event = only(browser(mary), outcome="failure")
    assert (event["outcome"], event["ip_address"]) == ("failure", IP)
