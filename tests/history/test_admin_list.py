"""The login history in the admin: who may look, and what the list and the days show."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.contrib.admin.sites import AdminSite
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bt_security.admin import login_events, login_events_page
from bt_security.history.cursors import Cursor, cursor_text
from bt_security.models import LoginEvent, LoginOutcome
from tests.history.admin_site import (
    DAYS,
    DETAILS,
    LIST,
    audit_on,
    log,
    logged_in,
    opener,
    page,
    reader,
    shown_ids,
    site,
    text_of,
)
from tests.history.old_rows import PLAIN, account, ago, event, events

__all__ = ["audit_on", "log", "opener", "reader", "site"]

pytestmark = pytest.mark.once


def test_without_the_feature_there_is_no_page(settings):
    own = AdminSite()
    settings.BT_SECURITY_FEATURES = []
    login_events_page.register(own)
    assert not own.is_registered(LoginEvent)


def test_a_second_registration_changes_nothing(site):
    login_events_page.register(site)
    assert site.is_registered(LoginEvent)


@pytest.mark.parametrize("codes", [(), (DETAILS,)])
@pytest.mark.parametrize("address", [LIST, DAYS, page(1)])
def test_staff_without_the_permission_are_refused(site, address, codes):
    event(None, pk=1)
    assert logged_in("staff", *codes).get(address).status_code == 403


def test_people_who_are_no_staff_are_sent_to_the_log_in(site):
    client = Client()
    client.force_login(account("visitor", is_superuser=True))
    assert client.get(LIST).status_code == 302


@pytest.mark.parametrize("address", [LIST, DAYS, page(1)])
def test_nothing_is_posted(reader, address):
    event(None, pk=1)
    assert reader.post(address).status_code == 405


@pytest.mark.parametrize("address", [f"{LIST}add/", f"{LIST}1/delete/", f"{LIST}1/history/"])
def test_there_is_no_page_that_adds_or_deletes(site, address):
    event(None, pk=1)
    assert logged_in("root", is_superuser=True).get(address).status_code == 404


def test_even_a_superuser_has_no_right_to_change(site):
    pages = site.get_model_admin(LoginEvent)
    assert not pages.has_add_permission(None)
    assert not pages.has_change_permission(None)
    assert not pages.has_delete_permission(None)


def test_the_index_of_the_admin_links_to_the_list(reader):
    content = text_of(reader.get("/admin/"))
    assert f'href="{LIST}"' in content
    assert "Log-ins" in content


def test_the_list_says_who_when_how_and_with_what(reader):
    mary = account()
    event(
        mary,
        method="passkey",
        device_label="Firefox on Linux",
        is_new_device=True,
        travel_km=1_200,
        travel_kmh=2_400,
        disowned_at=ago(days=0),
    )
    (line,) = reader.get(LIST).context["lines"]
    assert (line["user"], line["method"], line["device"]) == (
        str(mary),
        "passkey",
        "Firefox on Linux",
    )
    assert line["marks"] == [
        "new device",
        "impossible travel: 1200 km at 2400 km/h",
        "disowned by the user",
    ]
    assert str(line["outcome"]) == "Logged in"


def test_an_unknown_name_is_called_so(reader):
    event(None, outcome=LoginOutcome.FAILURE, name_digest="d1:canary")
    content = text_of(reader.get(LIST))
    assert "unknown name" in content
    assert "canary" not in content


def test_the_newest_is_first_with_links_to_the_pages_around(reader, monkeypatch):
    monkeypatch.setattr(login_events, "PAGE_ROWS", 10)
    mary = account()
    for number in range(25):
        event(mary, days=25 - number, pk=number + 1)
    first = reader.get(LIST)
    assert shown_ids(first) == list(range(25, 15, -1))
    assert 'rel="prev"' not in text_of(first)
    second = reader.get(f"{LIST}?{first.context['older_query']}")
    assert shown_ids(second) == list(range(15, 5, -1))
    third = reader.get(f"{LIST}?{second.context['older_query']}")
    assert shown_ids(third) == list(range(5, 0, -1))
    assert 'rel="next"' not in text_of(third)
    assert ">Newest</a>" in text_of(third)
    back = reader.get(f"{LIST}?{second.context['newer_query']}")
    assert shown_ids(back) == list(range(25, 15, -1))
    assert 'rel="prev"' not in text_of(back)


def test_log_ins_of_one_moment_are_each_on_one_page(reader, monkeypatch):
    monkeypatch.setattr(login_events, "PAGE_ROWS", 2)
    moment = ago(days=1)
    mary = account()
    LoginEvent.objects.bulk_create(
        LoginEvent(pk=pk, user=mary, outcome="success", happened_at=moment) for pk in range(1, 6)
    )
    answer, seen = reader.get(LIST), []
    while answer.context["older_query"]:
        seen += shown_ids(answer)
        answer = reader.get(f"{LIST}?{answer.context['older_query']}")
    assert [*seen, *shown_ids(answer)] == [5, 4, 3, 2, 1]


def test_links_to_other_pages_keep_the_filters(reader, monkeypatch):
    monkeypatch.setattr(login_events, "PAGE_ROWS", 1)
    mary = account()
    events(mary, 3, days=1)
    answer = reader.get(LIST, {"user": mary.email, "day": ""})
    assert answer.context["older_query"].startswith("user=mary%40example.com&cursor=")
    assert answer.context["newest_query"] == "user=mary%40example.com"


def test_every_filter_reaches_the_query(reader):
    mary, anne = account(), account("anne")
    event(mary, pk=1)
    event(anne, pk=2)
    event(mary, pk=3, outcome=LoginOutcome.FACTOR_FAILED)
    event(mary, pk=4, days=3)
    day = timezone.localtime(ago(days=3)).date()
    for asked, wanted in (
        ({"user": "mary@example.com"}, [3, 1, 4]),
        ({"user": f"user:{anne.pk}"}, [2]),
        ({"outcome": "factor_failed"}, [3]),
        ({"day": day.isoformat()}, [4]),
        ({"user": "mary@example.com", "outcome": "success", "day": day.isoformat()}, [4]),
    ):
        assert shown_ids(reader.get(LIST, asked)) == wanted, asked


def test_a_day_is_one_of_the_sites_time_zone(reader, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    tokyo = timezone.get_default_timezone()
    for pk, hour in enumerate((0, 23), start=1):
        moment = datetime(2026, 3, 1, hour, 30, tzinfo=tokyo)
        LoginEvent.objects.create(pk=pk, outcome="success", happened_at=moment)
    with timezone.override(tokyo):
        assert shown_ids(reader.get(LIST, {"day": "2026-03-01"})) == [2, 1]
        assert shown_ids(reader.get(LIST, {"day": "2026-03-02"})) == []


@pytest.mark.parametrize(
    "asked",
    [
        {"outcome": "won"},
        {"day": "yesterday"},
        {"day": "9999-12-31"},
        {"user": "nobody@example.com"},
        {"user": "user:nobody"},
        {"user": "user:0"},
        {"user": "\x00"},
        {"user": "x" * 300},
        {"cursor": "x"},
        {"cursor": "A" * 60},
    ],
)
def test_a_filter_that_makes_no_sense_shows_nothing_and_says_so(reader, asked):
    event(account())
    answer = reader.get(LIST, asked)
    assert answer.status_code == 200
    assert shown_ids(answer) == []
    assert answer.context["form"].errors
    assert 'class="errorlist' in text_of(answer)


def test_a_place_in_the_list_of_an_account_is_none_here(reader):
    mary = account()
    made = event(mary)
    theirs = cursor_text(Cursor(made.happened_at + timedelta(days=1), made.pk), mary.pk)
    assert reader.get(LIST, {"cursor": theirs}).context["form"].errors


def test_a_search_without_an_index_says_how_far_it_looked(reader):
    mary = account()
    event(mary, days=40, outcome=LoginOutcome.FAILURE)
    said = "Searched the last 30 days."
    everywhere = reader.get(LIST, {"outcome": "failure"})
    assert shown_ids(everywhere) == []
    assert said in text_of(everywhere)
    of_mary = reader.get(LIST, {"outcome": "failure", "user": "mary@example.com"})
    assert len(shown_ids(of_mary)) == 1
    assert said not in text_of(of_mary)


def test_a_page_is_one_question_however_many_log_ins_there_are_and_nothing_is_counted(reader):
    events(account(), 60, days=1)
    with CaptureQueriesContext(connection) as queries:
        reader.get(LIST)
    own = [query["sql"] for query in queries if "bt_security_login_event" in query["sql"]]
    assert len(own) == 1
    assert not [query for query in queries if "COUNT(" in query["sql"].upper()]


def test_what_a_log_in_says_is_escaped(reader):
    made = event(account(), method="<b>", device_label="<i>")
    for address in (LIST, page(made)):
        content = text_of(reader.get(address))
        assert "<b>" not in content
        assert "<i>" not in content


def test_the_days_have_counts_a_chart_and_the_same_as_text(reader):
    mary = account()
    for days in (0, 0.1, 3, 40):
        event(mary, days=days)
    event(None, days=3, outcome=LoginOutcome.FAILURE)
    answer = reader.get(DAYS)
    assert [(day, month) for _, day, month in answer.context["counts"]] == [(2, 3), (0, 1), (0, 0)]
    assert answer.context["chart"].total == 4
    content = text_of(answer)
    assert '<svg class="bt-chart" role="img"' in content
    assert "<title id=" in content
    assert "<desc id=" in content
    assert "<tfoot>" in content


@pytest.mark.parametrize("address", [LIST, DAYS, page(1)])
def test_no_page_needs_a_script_or_style_of_its_own(opener, address):
    event(account(), pk=1, **PLAIN)
    content = text_of(opener.get(address)).partition('id="content-main"')[2]
    main = content.partition("END Content")[0]
    assert main
    for banned in ("<script", "<style", "style=", "onclick", "javascript:"):
        assert banned not in main


@pytest.mark.parametrize("address", [LIST, DAYS, page(1)])
def test_every_page_is_marked_up_for_those_who_do_not_see_it(opener, address):
    event(account(), pk=1, **PLAIN)
    content = text_of(opener.get(address)).partition('id="content-main"')[2]
    assert content.count("<table") == content.count("<caption")
    for identity in re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', content):
        assert f'for="{identity}"' in content
