"""Pages of log-ins: whose, in which order, by which filters, and at what cost."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from bt_security.history import listing
from bt_security.history.cursors import TEXT_CHARS, Cursor, cursor_text, parse_cursor
from bt_security.history.listing import Filters
from bt_security.models import LoginEvent, LoginOutcome
from tests.history.conftest import make_user
from tests.history.reading import (
    CITY,
    IP,
    MINUTE,
    NOW,
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

pytestmark = pytest.mark.django_db


def page(user, cursor=None, **options):
    at = parse_cursor(cursor, user.pk) if cursor else None
    return listing.page(user, cursor=at, **options)


def walked(user, cursor=None, *, newer=False, **options):
    """Go on until there is nothing more, and return all that was seen, the newest first."""
    found = []
    while True:
        seen = page(user, cursor, **options)
        found = [*uids(seen.events), *found] if newer else [*found, *uids(seen.events)]
        cursor = seen.newer if newer else seen.older
        if cursor is None:
            return found


@pytest.mark.feature("BT-66")
def test_a_page_has_the_events_of_its_user_alone(mary):
    """The login history shows people their own log-ins, and those of nobody else."""
    other = make_user("bob")
    own = several(mary, 2)
    several(other, 3)
    stored(None, outcome=LoginOutcome.FAILURE, name_digest="d1:x")
    assert uids(page(mary).events) == uids(own)


def test_without_events_there_is_an_empty_page(mary):
    assert page(mary) == ([], frozenset(), None, None)


def test_cursors_lead_through_all_events_and_back(mary):
    own = uids(several(mary, 8))
    assert walked(mary, limit=3) == own
    last = page(mary, page(mary, page(mary, limit=3).older, limit=3).older, limit=3)
    assert (uids(last.events), last.older) == (own[6:], None)
    assert walked(mary, last.newer, newer=True, limit=3) == own[:6]


def test_the_first_page_has_nothing_newer_wherever_it_was_come_to_from(mary):
    several(mary, 6)
    first = page(mary, limit=3)
    second = page(mary, first.older, limit=3)
    again = page(mary, second.newer, limit=3)
    assert (first.newer, again.newer) == (None, None)
    assert uids(again.events) == uids(first.events)
    assert uids(page(mary, again.older, limit=3).events) == uids(second.events)


def test_a_page_from_which_one_came_back_knows_what_is_newer(mary):
    own = uids(several(mary, 9))
    third = page(mary, page(mary, page(mary, limit=3).older, limit=3).older, limit=3)
    back = page(mary, third.newer, limit=3)
    assert uids(back.events) == own[3:6]
    assert uids(page(mary, back.newer, limit=3).events) == own[:3]


def test_events_of_one_moment_are_each_seen_once(mary):
    events = [stored(mary) for _ in range(7)]
    assert walked(mary, limit=2) == uids(reversed(events))


def test_ids_need_not_be_in_the_order_of_time(mary):
    events = several(mary, 12)
    times = [event.happened_at for event in events]
    random.Random(7).shuffle(times)
    for event, at in zip(events, times, strict=True):
        LoginEvent.objects.filter(pk=event.pk).update(happened_at=at)
    in_order = sorted(zip(times, uids(events), strict=True), reverse=True)
    assert walked(mary, limit=5) == [uid for _at, uid in in_order]


def test_what_is_pruned_while_somebody_reads_is_only_missing(mary):
    own = several(mary, 6)
    first = page(mary, limit=2)
    own[1].delete()
    own[2].delete()
    assert uids(page(mary, first.older, limit=2).events) == uids(own[3:5])


@pytest.mark.parametrize(("limit", "count"), [(0, 1), (-3, 1), (5, 5), (100, 100), (5000, 100)])
def test_a_limit_is_brought_into_its_bounds(mary, limit, count):
    LoginEvent.objects.bulk_create(
        LoginEvent(user=mary, outcome="success", happened_at=NOW - n * MINUTE) for n in range(101)
    )
    assert len(page(mary, limit=limit).events) == count


def test_filters_leave_what_they_ask_for(mary):
    device = device_of(mary)
    first, second, third, fourth = several(mary, 4)
    LoginEvent.objects.filter(pk=first.pk).update(outcome=LoginOutcome.FAILURE)
    LoginEvent.objects.filter(pk=second.pk).update(device=device)
    third.ip_address = IP
    third.save()
    for asked, wanted in (
        ({"outcome": "failure"}, [first]),
        ({"outcome": "factor_failed"}, []),
        ({"device": device.uuid}, [second]),
        ({"device": uuid.uuid4()}, []),
        ({"ip_address": IP}, [third]),
        ({"ip_address": "203.0.113.78"}, []),
        ({"since": third.happened_at}, [first, second, third]),
        ({"until": second.happened_at}, [third, fourth]),
        ({"since": third.happened_at, "until": first.happened_at}, [second, third]),
    ):
        assert uids(page(mary, filters=Filters(**asked)).events) == uids(wanted), asked


def test_a_filter_by_device_or_address_of_another_user_finds_nothing(mary):
    theirs = full(make_user("bob"))
    for asked in ({"device": theirs.device.uuid}, {"ip_address": IP}):
        assert page(mary, filters=Filters(**asked)).events == []


def test_filters_stay_in_force_from_page_to_page(mary):
    several(mary, 6, outcome=LoginOutcome.FAILURE)
    wanted = uids(several(mary, 5, start=NOW - 30 * MINUTE))
    assert walked(mary, limit=2, filters=Filters(outcome="success")) == wanted


def test_filters_do_not_show_the_address_in_reports():
    assert IP not in repr(Filters(ip_address=IP))
    assert Filters(ip_address=IP, outcome="success").names() == ["outcome", "ip_address"]


def test_live_sessions_are_those_that_would_be_let_in(mary):
    client, over = browser(mary), browser(mary)
    live, ended = session_of(client), session_of(over)
    over.post("/api/auth/logout")
    theirs = session_of(browser(make_user("bob")))
    for public_id in (live, ended, theirs, uuid.uuid4()):
        stored(mary, session_uuid=public_id)
    assert page(mary).live == {live}


@pytest.mark.parametrize("count", [1, 5, 25])
def test_a_page_costs_three_queries(mary, count, django_assert_num_queries):
    device = device_of(mary)
    for event in several(mary, count):
        event.device, event.session_uuid = device, uuid.uuid4()
        event.save()
    with django_assert_num_queries(3):
        seen = page(mary, limit=20)
        assert {event.device.uuid for event in seen.events} == {device.uuid}


def test_a_page_without_sessions_costs_one_query(mary, django_assert_num_queries):
    several(mary, 3)
    with django_assert_num_queries(1) as queries:
        page(mary, limit=2)
    assert "COUNT(" not in queries[0]["sql"].upper()


@pytest.mark.once
def test_a_later_page_begins_in_the_index_where_the_one_before_ended(mary):
    said = Filters().events(mary.pk).before(NOW, 5)[:26].explain()
    assert "(user_id=? AND happened_at<?)" in said


@pytest.mark.once
@pytest.mark.parametrize("asked", [{}, {"outcome": "success"}, {"since": NOW, "until": NOW}])
def test_a_page_is_read_from_the_index_in_its_order(mary, asked):
    events = Filters(**asked).events(mary.pk)
    for found in (events, events.before(NOW, 5), events.after(NOW, 5)):
        said = found[:26].explain()
        assert "USING INDEX bt_login_event_user (user_id=?" in said
        assert "TEMP B-TREE" not in said, said


def of_two_people(mary):
    """So many events that a database takes the trouble to use an index."""
    bob = make_user("bob")
    LoginEvent.objects.bulk_create(
        (
            LoginEvent(user=user, outcome="success", happened_at=NOW - n * MINUTE)
            for n in range(4_000)
            for user in (mary if n % 10 == 0 else bob,)
        ),
        batch_size=1_000,
    )
    events = Filters().events(mary.pk)
    return [found[:26] for found in (events, events.before(NOW - 2_000 * MINUTE, 2**62))]


@pytest.mark.postgres
def test_postgresql_sorts_nothing_for_a_page(mary):
    pages = of_two_people(mary)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bt_security_login_event")
    for found in pages:
        said = found.explain()
        assert "bt_login_event_user" in said
        assert "Sort" not in said


@pytest.mark.mysql
def test_mariadb_sorts_nothing_for_a_page(mary):
    for found in of_two_people(mary):
        said = found.explain()
        assert "bt_login_event_user" in said
        assert "filesort" not in said


def test_a_cursor_is_read_by_its_user_alone(mary):
    cursor = Cursor(NOW + timedelta(microseconds=7), 2**40, is_newer=True)
    text = cursor_text(cursor, mary.pk)
    assert len(text) == TEXT_CHARS
    assert parse_cursor(text, mary.pk) == cursor
    assert parse_cursor(text, mary.pk + 1) is None


@pytest.mark.parametrize("text", ["", "x", "é" * 60, "A" * 60, "A" * 64, "=" * 60, "A" * 59])
def test_what_is_no_cursor_is_none(mary, text):
    assert parse_cursor(text, mary.pk) is None


def test_a_changed_cursor_is_none(mary):
    text = cursor_text(Cursor(NOW, 5), mary.pk)
    for place in (0, 20, 59):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        assert parse_cursor(changed, mary.pk) is None


def test_a_cursor_outlives_a_change_of_the_secret_key(mary, settings):
    text = cursor_text(Cursor(NOW, 5), mary.pk)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one that is only for tests and has sixty characters"
    assert parse_cursor(text, mary.pk) == Cursor(NOW, 5)
    settings.SECRET_KEY_FALLBACKS = []
    assert parse_cursor(text, mary.pk) is None


def test_an_event_that_does_not_open_breaks_no_page(mary):
    event = full(mary)
    spoil(event, "ip_address", "location_city")
    stored(mary, NOW - MINUTE)
    seen = page(mary)
    assert len(seen.events) == 2
    assert seen.events[0].location_country == "Country"
    assert CITY not in repr(seen)
