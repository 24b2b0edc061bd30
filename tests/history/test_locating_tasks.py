"""Places are looked up by Django's tasks where the site has a queue for them."""

from __future__ import annotations

import json

import pytest
from django import VERSION

from bt_security import geo
from bt_security.history.locating import has_queue
from bt_security.history.privacy import set_geolocation
from tests.history.conftest import browser, log_in, make_user, only_event
from tests.history.places import ADDRESS, IN_MUNICH, NOWHERE, PROVIDER, Places, place_of

if VERSION < (6, 0):
    pytest.importorskip("django_tasks")

from tests.history.task_queue import (
    BROKEN_QUEUE,
    QUEUE,
    Queue,
    read_settings_anew,
    work,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

PACKAGE = "django.tasks" if VERSION >= (6, 0) else "django_tasks"
AT_ONCE = {"default": {"BACKEND": f"{PACKAGE}.backends.immediate.ImmediateBackend"}}
JOB = "bt_security.history.jobs.locate_login"


@pytest.fixture(autouse=True)
def site(history_on):
    """A site with a queue, and a provider that this test answers for."""
    history_on.BT_SECURITY_GEO_PROVIDER = PROVIDER
    history_on.TASKS = QUEUE
    read_settings_anew()
    yield history_on
    history_on.TASKS = AT_ONCE
    read_settings_anew()
    Queue.waiting.clear()
    Places.forget()


@pytest.fixture
def user():
    user = make_user("mary")
    set_geolocation(user, enabled=True)
    return user


@pytest.fixture
def come_in(django_capture_on_commit_callbacks):
    """Log in, and do what comes after the commit."""

    def log_in_there(user, address=ADDRESS):
        with django_capture_on_commit_callbacks(execute=True):
            assert log_in(browser(REMOTE_ADDR=address), user).status_code == 302
        return only_event()

    return log_in_there


def test_the_task_has_the_event_by_its_key_and_nothing_else(user, come_in):
    event = come_in(user)
    assert [json.loads(text) for text in Queue.waiting] == [[JOB, [event.pk], {}]]
    assert Places.asked == []


def test_the_worker_looks_up_and_stores(user, come_in):
    event = come_in(user)
    work()
    assert (Places.asked, place_of(event)) == ([ADDRESS], IN_MUNICH)


def test_a_task_that_runs_twice_asks_once(user, come_in):
    come_in(user)
    Queue.waiting *= 2
    work()
    assert Places.asked == [ADDRESS]


def test_a_withdrawal_before_the_worker_comes_counts(user, come_in):
    event = come_in(user)
    set_geolocation(user, enabled=False)
    work()
    assert (Places.asked, place_of(event)) == ([], NOWHERE)


def test_a_user_deleted_before_the_worker_comes_stays_deleted(user, come_in):
    come_in(user)
    user.delete()
    work()
    assert Places.asked == []


def test_without_consent_there_is_no_task(come_in):
    come_in(make_user("peter"))
    assert Queue.waiting == []


@pytest.mark.parametrize("address", ["10.0.0.7", "192.0.2.7", "not an address"])
def test_for_an_address_that_is_not_public_there_is_no_task(user, come_in, address):
    come_in(user, address)
    assert Queue.waiting == []


def test_without_a_provider_there_is_no_task(user, come_in, site):
    site.BT_SECURITY_GEO_PROVIDER = None
    come_in(user)
    assert Queue.waiting == []


def test_a_queue_that_is_away_is_a_line_in_the_log_and_the_log_in_works(
    user, come_in, site, caplog
):
    site.TASKS = BROKEN_QUEUE
    read_settings_anew()
    event = come_in(user)
    assert ["the queue is away" in message for message in caplog.messages] == [True]
    assert ADDRESS not in caplog.text
    assert place_of(event) == NOWHERE


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ({}, False),
        ({"other": QUEUE["default"]}, False),
        ({"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}, False),
        ({"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}, False),
        ({"default": {"BACKEND": "django.tasks.backends.dummy.DummyBackend"}}, False),
        ({"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}, False),
        ({"default": {"BACKEND": "django_tasks.backends.rq.RQBackend"}}, True),
        (QUEUE, True),
    ],
)
def test_a_backend_that_runs_tasks_in_the_request_or_never_is_no_queue(site, tasks, expected):
    site.TASKS = tasks
    assert has_queue() is expected


def test_where_tasks_run_at_once_the_own_worker_looks_up(user, come_in, site):
    site.TASKS = AT_ONCE
    read_settings_anew()
    come_in(user)
    assert geo.drain(10)
    assert Queue.waiting == []
