"""What a user allows, and the end of what was stored."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bt_security.history.privacy import erase_locations, may_locate, set_geolocation
from bt_security.models import LoginEvent, PrivacySettings
from bt_security.models.login_event import LOCATION_FIELDS
from tests.audit.conftest import audit_on, log  # noqa: F401 - fixtures
from tests.history.conftest import make_user
from tests.history.places import NOWHERE, logged_in, place_of, travel_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(log):  # noqa: F811
    return make_user("mary")


def located(user, **of):
    return logged_in(user, location_city="Munich", location_point="48.14,11.58", **of)


@pytest.mark.feature("BT-60")
def test_nobody_has_consented_from_the_start(user):
    """Nobody has consented from the start."""
    assert not may_locate(user)
    assert not PrivacySettings.objects.exists()


def test_the_question_is_one_query(user):
    set_geolocation(user, enabled=True)
    with CaptureQueriesContext(connection) as queries:
        assert may_locate(user)
    assert len(queries) == 1


def test_the_choice_of_one_is_not_that_of_another(user):
    other = make_user("peter")
    set_geolocation(other, enabled=True)
    assert may_locate(other)
    assert not may_locate(user)


def test_consent_can_be_withdrawn_and_given_again(user):
    for enabled in (True, False, True):
        assert set_geolocation(user, enabled=enabled)
        assert may_locate(user) is enabled
    assert PrivacySettings.objects.count() == 1


def test_a_change_is_recorded_once(user, log):  # noqa: F811
    assert set_geolocation(user, enabled=True)
    assert not set_geolocation(user, enabled=True)
    entry = log.only(action="privacy.changed")
    assert entry.body == {"geolocation_enabled": True}
    assert entry.target_id == str(user.pk)


def test_no_is_no_change_for_those_who_never_said_yes(user, log):  # noqa: F811
    assert not set_geolocation(user, enabled=False)
    assert log() == []
    assert not PrivacySettings.objects.exists()


def test_what_is_no_change_moves_no_date(user):
    set_geolocation(user, enabled=True)
    before = PrivacySettings.objects.values().get()
    set_geolocation(user, enabled=True)
    assert PrivacySettings.objects.values().get() == before


@pytest.mark.feature("BT-63")
def test_withdrawing_deletes_nothing(user):
    """Withdrawing the consent deletes no place."""
    event = located(user)
    set_geolocation(user, enabled=True)
    set_geolocation(user, enabled=False)
    assert place_of(event)["location_city"] == "Munich"


def test_erasing_empties_the_places_and_the_travels(user):
    event = located(user, travel_km=9_000, travel_kmh=4_500)
    kept = {"device_label": event.device_label, "ip_address": event.ip_address}
    assert erase_locations(user) == 1
    assert place_of(event) == NOWHERE
    assert travel_of(event) == (None, None)
    stored = LoginEvent.objects.get()
    assert {name: getattr(stored, name) for name in kept} == kept


@pytest.mark.parametrize("name", LOCATION_FIELDS)
def test_a_place_of_which_one_column_is_known_is_erased_and_counted(user, name):
    event = logged_in(user, is_new_device=False, **{name: "x"})
    assert erase_locations(user) == 1
    assert place_of(event) == NOWHERE


def test_erasing_counts_what_had_a_place(user):
    logged_in(user)
    located(user)
    located(user)
    assert erase_locations(user) == 2
    assert erase_locations(user) == 0


def test_the_places_of_others_stay(user):
    event = located(make_user("peter"))
    assert erase_locations(user) == 0
    assert place_of(event)["location_city"] == "Munich"


def test_erasing_is_recorded_with_the_count_and_no_place(user, log):  # noqa: F811
    located(user)
    erase_locations(user)
    entry = log.only(action="privacy.locations_erased")
    assert entry.body == {"count": 1}
    assert entry.target_id == str(user.pk)


@pytest.mark.parametrize("count", [1, 20])
def test_erasing_touches_the_log_ins_twice_however_many_there_are(user, count):
    for _ in range(count):
        located(user)
    with CaptureQueriesContext(connection) as queries:
        erase_locations(user)
    statements = [query["sql"].split()[0] for query in queries if "login_event" in query["sql"]]
    assert statements == ["SELECT", "UPDATE"]


def test_erasing_leaves_the_consent(user):
    set_geolocation(user, enabled=True)
    erase_locations(user)
    assert may_locate(user)


def test_the_choice_goes_with_the_account(user):
    set_geolocation(user, enabled=True)
    user.delete()
    assert not PrivacySettings.objects.exists()


def test_a_choice_is_called_by_its_user_alone(user):
    set_geolocation(user, enabled=True)
    assert str(PrivacySettings.objects.get()) == f"privacy settings of user {user.pk}"
