"""The audit log in the admin: who may look, what is shown, and that looking is recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import clear_url_caches, path
from django.utils.html import escape

from bt_security.admin import audit_page
from bt_security.audit.personal import erase_keys, seal_personal
from bt_security.audit.rows import new_uid
from bt_security.audit.tags import address_tag
from bt_security.audit.verification.soundness import soundness
from bt_security.keys import store
from bt_security.models import AuditEntry, AuditHour, Outcome
from tests.audit._reading_rows import (
    break_data_key,
    empty_log,
    made_entry,
    made_seal,
    unwritable_log,
)
from tests.audit.conftest import make_user

__all__ = ["empty_log", "unwritable_log"]

LIST = "/admin/bt_security/auditentry/"
TIMELINE = f"{LIST}timeline/"
ADDRESS = "203.0.113.77"

urlpatterns = []


@pytest.fixture
def site(settings, empty_log):
    """An admin site of a host with the feature on."""
    settings.ROOT_URLCONF = __name__
    audit_page.register(admin.site)
    urlpatterns[:] = [path("admin/", admin.site.urls)]
    clear_url_caches()
    yield admin.site
    admin.site.unregister(AuditEntry)
    clear_url_caches()


def logged_in(name, *codes, **fields):
    user = make_user(name, is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    AuditEntry.objects.all().delete()
    return client


@pytest.fixture
def reader(site):
    return logged_in("reader", "view_auditentry")


def page(entry_id):
    return f"{LIST}{entry_id}/change/"


def shown_ids(answer):
    return [int(line["url"].split("/")[-3]) for line in answer.context["lines"]]


def reads():
    return AuditEntry.objects.filter(action="audit.read").count()


def test_without_the_feature_there_is_no_page(settings):
    own = AdminSite()
    settings.BT_SECURITY_FEATURES = []
    audit_page.register(own)
    assert not own.is_registered(AuditEntry)


def test_a_second_registration_changes_nothing(site):
    audit_page.register(site)
    assert site.is_registered(AuditEntry)


@pytest.mark.parametrize("address", [LIST, TIMELINE, page(1)])
def test_staff_without_the_permission_are_refused(site, address):
    client = logged_in("staff")
    made_entry(1)
    assert client.get(address).status_code == 403
    assert reads() == 0


@pytest.mark.parametrize("address", [LIST, TIMELINE, page(1)])
def test_nothing_is_posted(reader, address):
    made_entry(1)
    assert reader.post(address).status_code == 405


@pytest.mark.parametrize("address", [f"{LIST}add/", f"{LIST}1/delete/", f"{LIST}1/history/"])
def test_there_is_no_page_that_adds_or_deletes(site, address):
    client = logged_in("root", is_superuser=True)
    made_entry(1)
    assert client.get(address).status_code == 404


def test_even_a_superuser_has_no_right_to_change(site):
    pages = site.get_model_admin(AuditEntry)
    assert not pages.has_add_permission(None)
    assert not pages.has_change_permission(None)
    assert not pages.has_delete_permission(None)


def test_an_entry_that_is_not_there_is_not_found(reader):
    assert reader.get(page(99)).status_code == 404
    assert reader.get(page(2**70)).status_code == 404
    assert reads() == 0


@pytest.mark.parametrize("address", [LIST, TIMELINE, page(1)])
def test_what_cannot_be_recorded_is_not_shown(reader, unwritable_log, address):
    reader.raise_request_exception = False
    answer = reader.get(address)
    assert answer.status_code == 500
    assert unwritable_log not in answer.content.decode()


def test_the_list_shows_the_newest_first_with_links_to_older_ones(reader, settings):
    settings.BT_SECURITY_AUDIT_PAGE_SIZE = 10
    for entry_id in range(1, 26):
        made_entry(entry_id)
    first = reader.get(LIST)
    assert shown_ids(first) == list(range(25, 15, -1))
    assert f'rel="next" href="?{first.context["older_query"]}"' in first.content.decode()
    assert 'rel="prev"' not in first.content.decode()
    second = reader.get(f"{LIST}?{first.context['older_query']}")
    assert shown_ids(second) == list(range(15, 5, -1))
    back = reader.get(f"{LIST}?{second.context['newer_query']}")
    assert shown_ids(back) == list(range(25, 15, -1))


def test_links_to_other_pages_keep_the_filters(reader, settings):
    settings.BT_SECURITY_AUDIT_PAGE_SIZE = 10
    for entry_id in range(1, 26):
        made_entry(entry_id, actor_id="a&b")
    answer = reader.get(LIST, {"actor": "user:a&b", "before": "20"})
    assert answer.context["older_query"] == "actor=user%3Aa%26b&before=10"
    assert answer.context["newest_query"] == "actor=user%3Aa%26b"


def test_a_page_of_the_list_is_recorded_once(reader):
    made_entry(1)
    reader.get(LIST, {"action": "user.login"})
    entry = AuditEntry.objects.get(action="audit.read")
    assert entry.body == '{"action":"user.login","entries":1,"page":"list"}'


def test_reading_an_entry_is_recorded_with_its_uid(reader):
    made = made_entry(1)
    reader.get(page(1))
    entry = AuditEntry.objects.get(action="audit.read")
    assert (entry.target_kind, entry.target_id) == ("bt_security.auditentry", str(made.uid))


def test_nothing_is_counted(reader):
    made_entry(1)
    with CaptureQueriesContext(connection) as queries:
        reader.get(LIST)
        reader.get(LIST, {"actor": "user:5"})
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]


@pytest.mark.feature("TK-52")
def test_every_filter_reaches_the_query(reader):
    """The list in the admin is filtered by action, user, target, outcome, address, text, time."""
    now = datetime.now(UTC)
    for entry_id, columns in enumerate(
        (
            {},
            {"action": "user.logout"},
            {"outcome": Outcome.FAILURE},
            {"actor_id": "6"},
            {"target_id": "6"},
            {"request_id": "r-1"},
            {"reason": "a strange reason"},
            {"address_tag": address_tag("2001:db8::1")},
        ),
        start=1,
    ):
        made_entry(entry_id, recorded_at=now - timedelta(hours=1), **columns)
    made_entry(9, recorded_at=now - timedelta(days=30))
    for asked, wanted in (
        ({"action": "user.logout"}, [2]),
        ({"outcome": "2"}, [3]),
        ({"actor": "user:6"}, [4]),
        ({"target": "testapp.account:6"}, [5]),
        ({"request_id": "r-1"}, [6]),
        ({"text": "strange"}, [7]),
        ({"until": (now - timedelta(days=1)).isoformat()}, [9]),
        ({"address": "2001:DB8:0::1"}, [8]),
    ):
        assert shown_ids(reader.get(LIST, asked)) == wanted, asked


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "yesterday"},
        {"until": "2026-99-99"},
        {"since": "0001-01-01T00:00+23:00"},
        {"until": "9999-12-31"},
        {"since": "2026-03-01" + " " * 40 + "x"},
        {"address": "no address"},
        {"outcome": "9"},
        {"before": "x"},
        {"after": str(2**63)},
        {"action": "x" * 65},
        {"text": "\x00"},
    ],
)
def test_a_filter_that_makes_no_sense_shows_nothing_and_says_so(reader, asked):
    made_entry(1)
    answer = reader.get(LIST, asked)
    assert answer.status_code == 200
    assert shown_ids(answer) == []
    assert answer.context["form"].errors
    assert reads() == 0


def test_the_list_says_from_when_on_it_has_searched(reader):
    said = "Give a time to look further back."
    assert said in reader.get(LIST, {"text": "x"}).content.decode()
    assert said not in reader.get(LIST, {"text": "x", "since": "2026-01-01"}).content.decode()
    assert said not in reader.get(LIST, {"actor": "5"}).content.decode()


def test_what_entries_say_is_escaped(reader):
    made_entry(1, reason="<script>", actor_id="<b>", target_id="<i>", body='{"a":"<script>"}')
    for address in (LIST, page(1)):
        content = reader.get(address).content.decode()
        assert "<b>" not in content
        assert "<i>" not in content
        assert escape("<script>") in content


def entry_with_address(entry_id):
    uid = new_uid()
    personal, key = seal_personal({"address": ADDRESS}, subject="user:5", uid=uid)
    return made_entry(entry_id, uid=uid, personal=personal, subject_key=key)


def test_personal_data_are_on_the_page_of_the_entry_alone(reader):
    entry_with_address(1)
    assert ADDRESS not in reader.get(LIST).content.decode()
    assert ADDRESS in reader.get(page(1)).content.decode()


def test_erased_personal_data_are_said_to_be_erased(reader):
    entry_with_address(1)
    erase_keys("user:5")
    assert "<td>erased</td>" in reader.get(page(1)).content.decode()


def test_personal_data_that_do_not_open_break_nothing(reader):
    entry_with_address(1)
    break_data_key("user:5")
    assert "cannot be opened" in reader.get(page(1)).content.decode()


def test_details_are_pretty(reader):
    made_entry(1, body='{"b":1,"a":[2]}')
    assert reader.get(page(1)).context["details"] == '{\n  "a": [\n    2\n  ],\n  "b": 1\n}'


def test_a_body_that_is_no_json_breaks_neither_page(reader):
    made_entry(1, body="{no json")
    assert shown_ids(reader.get(LIST)) == [1]
    assert "The body is no JSON" in reader.get(page(1)).content.decode()


def test_a_body_with_half_a_character_is_shown_escaped(reader):
    made_entry(1, body='{"a":"\\ud800","é\\udfff":"ü"}')
    answer = reader.get(page(1))
    assert answer.status_code == 200
    assert answer.context["details"] == '{\n  "a": "\\ud800",\n  "é\\udfff": "ü"\n}'


def test_a_view_of_the_timeline_is_recorded_once(reader):
    hour_count(1, 30)
    reader.get(TIMELINE, {"span": "24h", "action": "user.login"})
    entry = AuditEntry.objects.get(action="audit.read")
    assert entry.body == '{"action":"user.login","page":"timeline","span":"24h"}'


def test_a_timeline_of_everything_names_no_action(reader):
    reader.get(TIMELINE)
    assert AuditEntry.objects.get(action="audit.read").body == '{"page":"timeline","span":"7d"}'


def test_an_entry_says_which_seal_covers_it(reader):
    made_entry(1)
    assert "not sealed yet" in reader.get(page(1)).content.decode()
    made_seal(4, 0, 1)
    assert "sealed in seal 4 of" in reader.get(page(1)).content.decode()


def test_an_entry_that_was_changed_is_called_so(reader):
    made_entry(1)
    said = "This entry is not what was recorded"
    assert said not in reader.get(page(1)).content.decode()
    AuditEntry.objects.filter(pk=1).update(reason="edited")
    assert said in reader.get(page(1)).content.decode()


def test_an_entry_whose_key_is_missing_is_not_judged(empty_log):
    made_entry(1)
    store.rows().filter(name__startswith=store.PURPOSE_PREFIX).delete()
    assert soundness(1) == "unknown"


def test_numbers_that_no_name_has_are_shown_as_numbers(reader):
    made_entry(1, outcome=77, severity=78, actor_kind=79)
    content = reader.get(page(1)).content.decode()
    assert "77" in content
    assert "79 5" in reader.get(LIST).content.decode()


def hour_count(hours_ago, count, outcome=Outcome.SUCCESS, action="user.login"):
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hour -= timedelta(hours=hours_ago)
    AuditHour.objects.create(hour=hour, action=action, outcome=outcome, count=count)


def test_the_timeline_has_a_bar_and_the_same_as_text(reader):
    hour_count(1, 30)
    hour_count(1, 10, Outcome.REFUSED)
    answer = reader.get(TIMELINE, {"span": "24h"})
    content = answer.content.decode()
    assert content.count("<rect") == 2
    assert "40 sealed entries, at most 40 in one bar." in content
    assert "<td>30</td><td>0</td><td>10</td>" in content


@pytest.mark.parametrize("address", [LIST, TIMELINE, page(1)])
def test_no_page_needs_a_script_or_style_of_its_own(reader, address):
    made_entry(1)
    hour_count(1, 30)
    content = reader.get(address).content.decode().partition('id="content-main"')[2]
    main = content.partition("END Content")[0]
    assert main
    for banned in ("<script", "<style", "style=", "onclick", "javascript:"):
        assert banned not in main


def test_the_timeline_of_one_action(reader):
    hour_count(1, 30)
    hour_count(1, 4, action="user.logout")
    answer = reader.get(TIMELINE, {"action": "user.logout", "span": "24h"})
    assert answer.context["chart"].total == 4
    assert "&amp;action=user.logout" in answer.content.decode()


def test_a_period_that_is_none_is_the_usual_one(reader):
    answer = reader.get(TIMELINE, {"span": "100y", "action": "x" * 65})
    assert answer.context["chart"].span.name == "7d"
