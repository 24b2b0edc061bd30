"""Log-ins of whole sites: who is asked about them, how often, and when."""

from __future__ import annotations

import socket
import sys

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bt_security import geo
from bt_security.history import locating
from bt_security.history.privacy import set_geolocation
from bt_security.models import LoginEvent
from tests.history.conftest import (
    PASSWORD,
    browser,
    log_in,
    make_user,
    only_event,
    post_json,
)
from tests.history.places import (
    ADDRESS,
    IN_MUNICH,
    NOWHERE,
    PROVIDER,
    Places,
    logged_in,
    place_of,
)

pytestmark = [
    pytest.mark.once,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("history_on"),
]

WAIT_SECONDS = 10


@pytest.fixture(autouse=True)
def site(history_on, monkeypatch):
    """A site with a provider that this test answers for."""
    monkeypatch.setattr(locating, "ANSWER_SECONDS", 0.0)
    history_on.BT_SECURITY_GEO_PROVIDER = PROVIDER
    yield history_on
    assert geo.drain(WAIT_SECONDS)
    Places.forget()


@pytest.fixture
def user():
    user = make_user("mary")
    set_geolocation(user, enabled=True)
    return user


@pytest.fixture
def attempts(monkeypatch):
    """Where this process tries to go: everything outward is closed."""
    tried = []

    def refuse(*target, **_):
        tried.append(target)
        raise OSError("closed")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return tried


def abroad(**more):
    """A browser at a public address."""
    return browser(REMOTE_ADDR=ADDRESS, **more)


def come_in(client, user):
    answer = log_in(client, user)
    assert answer.status_code == 302
    assert geo.drain(WAIT_SECONDS)


@pytest.mark.feature("BT-62")
def test_a_log_in_with_a_new_browser_is_one_question(user):
    """A log-in with a new browser asks the provider once."""
    come_in(abroad(), user)
    assert Places.asked == [ADDRESS]
    assert place_of(only_event()) == IN_MUNICH


@pytest.mark.parametrize("path", ["/json-login/", "/async-login/"])
def test_a_log_in_by_json_is_one_as_well(user, path):
    assert post_json(abroad(), path, user).status_code == 200
    assert geo.drain(WAIT_SECONDS)
    assert (Places.asked, place_of(only_event())) == ([ADDRESS], IN_MUNICH)


@pytest.mark.feature("BT-62")
def test_a_log_in_with_a_known_browser_is_none(user):
    """A log-in with a known browser asks nobody."""
    client = abroad()
    come_in(client, user)
    come_in(client, user)
    assert Places.asked == [ADDRESS]
    assert [place_of(event) for event in LoginEvent.objects.order_by("pk")] == [IN_MUNICH, NOWHERE]


def test_each_new_browser_is_one_question(user):
    for _ in range(3):
        come_in(abroad(), user)
    assert Places.asked == [ADDRESS] * 3


def test_a_wrong_password_is_none(user):
    log_in(abroad(), user, "wrong")
    assert geo.drain(WAIT_SECONDS)
    assert (Places.asked, place_of(only_event())) == ([], NOWHERE)


@pytest.mark.feature("BT-63")
def test_the_choice_counts_from_the_log_in_on(user):
    """What counts is the choice at the time of the log-in."""
    come_in(abroad(), user)
    set_geolocation(user, enabled=False)
    come_in(abroad(), user)
    set_geolocation(user, enabled=True)
    come_in(abroad(), user)
    found = [place_of(event) for event in LoginEvent.objects.order_by("pk")]
    assert found == [IN_MUNICH, NOWHERE, IN_MUNICH]


def test_a_log_in_that_is_rolled_back_asks_nobody(user):
    body = {"username": user.email, "password": PASSWORD}
    abroad().post("/undone/", body, content_type="application/json")
    assert not LoginEvent.objects.exists()
    assert geo.drain(WAIT_SECONDS)
    assert Places.asked == []


def test_nobody_is_asked_before_the_commit(user):
    with transaction.atomic():
        locating.schedule(logged_in(user))
        assert geo.drain(WAIT_SECONDS)
        assert Places.asked == []
    assert geo.drain(WAIT_SECONDS)
    assert Places.asked == [ADDRESS]


def test_a_log_in_with_a_known_browser_costs_no_query_for_its_place(user):
    client = abroad()
    come_in(client, user)
    with CaptureQueriesContext(connection) as queries:
        come_in(client, user)
    assert [query for query in queries if "privacy_settings" in query["sql"]] == []


def test_a_new_browser_costs_one_query_in_the_request(user):
    with CaptureQueriesContext(connection) as queries:
        come_in(abroad(), user)
    assert len([query for query in queries if "privacy_settings" in query["sql"]]) == 1
    assert [query for query in queries if "UPDATE" in query["sql"] and "city" in query["sql"]] == []


@pytest.mark.feature("BT-61")
@pytest.mark.parametrize("provider", ["ip-api", "maxmind", PROVIDER])
def test_without_consent_no_connection_is_attempted(site, attempts, tmp_path, provider):
    """Without consent a log-in attempts no connection, whatever provider is configured."""
    site.BT_SECURITY_GEO_PROVIDER = provider
    site.BT_SECURITY_GEO_IP_API_KEY = "key"
    site.BT_SECURITY_GEO_MAXMIND_CITY_FILE = str(tmp_path / "city.mmdb")
    come_in(abroad(), make_user("peter"))
    assert (attempts, Places.asked) == ([], [])
    assert place_of(only_event()) == NOWHERE


def test_with_consent_and_a_closed_network_one_is_attempted_and_the_log_in_works(
    site, user, attempts, caplog
):
    site.BT_SECURITY_GEO_PROVIDER = "ip-api"
    site.BT_SECURITY_GEO_IP_API_KEY = "key"
    come_in(abroad(), user)
    assert len(attempts) == 1
    assert place_of(only_event()) == NOWHERE
    assert ADDRESS not in caplog.text
    assert len(caplog.records) == 1


def test_a_site_that_commits_by_hand_still_lets_people_in(user, caplog):
    event = logged_in(user)
    transaction.set_autocommit(False)
    try:
        locating.schedule(event)
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert caplog.messages == [f"The place of log-in event {event.uid} is not looked up."]


def test_without_a_queue_for_tasks_none_of_their_code_is_loaded(user, monkeypatch):
    monkeypatch.delitem(sys.modules, "bt_security.history.jobs", raising=False)
    come_in(abroad(), user)
    assert "bt_security.history.jobs" not in sys.modules
