"""A log-in that is too far from the last one is noted, recorded, and let in."""

from __future__ import annotations

import pytest

from bt_security.geo import Location
from bt_security.history.locating import locate
from bt_security.history.privacy import set_geolocation
from bt_security.models import LoginEvent, LoginOutcome
from tests.audit.conftest import audit_on, log  # noqa: F401 - fixtures
from tests.history.conftest import make_user
from tests.history.places import (
    ANOTHER_ADDRESS,
    NOWHERE,
    PROVIDER,
    SYDNEY,
    Places,
    consent,
    copy_sealed,
    logged_in,
    place_of,
    travel_of,
)

pytestmark = pytest.mark.django_db

MUNICH_TO_SYDNEY_KM = 16_305
NO_TRAVEL = (None, None)
IN_MUNICH = {"location_city": "Munich", "location_point": "48.14,11.58"}


@pytest.fixture
def user(log, settings):  # noqa: F811
    """Somebody whose second address is in Sydney."""
    settings.BT_SECURITY_GEO_PROVIDER = PROVIDER
    Places.answers[ANOTHER_ADDRESS] = SYDNEY
    user = make_user("mary")
    consent(user, days_ago=30)
    yield user
    Places.forget()


def locate_in_sydney(user, **of):
    event = logged_in(user, ANOTHER_ADDRESS, **of)
    locate(event.pk)
    return event


def test_a_log_in_too_far_away_has_its_distance_and_speed(user):
    logged_in(user, hours_ago=2, **IN_MUNICH)
    event = locate_in_sydney(user)
    km, kmh = travel_of(event)
    assert km == pytest.approx(MUNICH_TO_SYDNEY_KM, rel=0.01)
    assert kmh == pytest.approx(km / 2, rel=0.01)
    assert place_of(event)["location_city"] == "Sydney"


def test_it_is_recorded_with_distance_and_speed_and_no_place(user, log):  # noqa: F811
    logged_in(user, hours_ago=2, **IN_MUNICH)
    event = locate_in_sydney(user)
    km, kmh = travel_of(event)
    entry = log.only(action="history.impossible_travel")
    assert entry.body == {"event": str(event.uid), "km": km, "kmh": kmh}
    assert entry.target_id == str(user.pk)
    assert "Sydney" not in str(entry.body) + str(entry.personal_data)


def test_a_flight_is_nothing_to_note(user, log):  # noqa: F811
    logged_in(user, hours_ago=24, **IN_MUNICH)
    event = locate_in_sydney(user)
    assert travel_of(event) == NO_TRAVEL
    assert log(action="history.impossible_travel") == []


def test_the_first_located_log_in_comes_from_nowhere(user):
    logged_in(user, hours_ago=1)
    assert travel_of(locate_in_sydney(user)) == NO_TRAVEL


@pytest.mark.parametrize(
    "of",
    [
        {"outcome": LoginOutcome.FAILURE},
        {"outcome": LoginOutcome.FACTOR_FAILED},
        {"location_point": None},
        {"location_point": "somewhere"},
        {"disowned": True},
    ],
    ids=["failure", "factor failed", "without a point", "no point", "disowned"],
)
def test_what_the_user_did_not_come_from_does_not_count(user, of):
    fields = {**IN_MUNICH, **of}
    is_disowned = fields.pop("disowned", False)
    before = logged_in(user, hours_ago=1, **fields)
    if is_disowned:
        LoginEvent.objects.update(disowned_at=before.happened_at)
    assert travel_of(locate_in_sydney(user)) == NO_TRAVEL


def test_a_last_point_that_does_not_open_keeps_no_place_away(user):
    last, other = (logged_in(user, hours_ago=hours, **IN_MUNICH) for hours in (1, 2))
    copy_sealed("location_point", other, last)
    event = locate_in_sydney(user)
    assert (travel_of(event), place_of(event)["location_city"]) == (NO_TRAVEL, "Sydney")


def test_where_others_were_does_not_count(user):
    logged_in(make_user("peter"), hours_ago=1, **IN_MUNICH)
    assert travel_of(locate_in_sydney(user)) == NO_TRAVEL


def test_the_last_located_log_in_counts_and_not_those_between_and_before(user):
    logged_in(user, hours_ago=3, **IN_MUNICH)
    logged_in(user, hours_ago=2, location_point="-33.87,151.21")
    logged_in(user, hours_ago=1)
    assert travel_of(locate_in_sydney(user)) == NO_TRAVEL


def test_what_happened_later_does_not_count(user):
    event = logged_in(user, ANOTHER_ADDRESS, hours_ago=2)
    logged_in(user, hours_ago=1, **IN_MUNICH)
    locate(event.pk)
    assert travel_of(event) == NO_TRAVEL


def test_two_log_ins_at_one_moment_are_judged_by_their_order(user):
    first = logged_in(user, **IN_MUNICH)
    event = locate_in_sydney(user, happened_at=first.happened_at)
    assert travel_of(event)[0] == pytest.approx(MUNICH_TO_SYDNEY_KM, rel=0.01)


def test_a_location_without_a_point_is_not_judged(user):
    Places.answers[ANOTHER_ADDRESS] = Location(country="Australia")
    logged_in(user, hours_ago=1, **IN_MUNICH)
    event = locate_in_sydney(user)
    assert place_of(event) == {**NOWHERE, "location_country": "Australia"}
    assert travel_of(event) == NO_TRAVEL


def test_the_site_says_how_fast_is_too_fast(user, settings):
    settings.BT_SECURITY_HISTORY_TRAVEL_MAX_KMH = 20_000
    logged_in(user, hours_ago=1, **IN_MUNICH)
    assert travel_of(locate_in_sydney(user)) == NO_TRAVEL


def test_a_site_may_judge_no_travel(user, settings):
    settings.BT_SECURITY_HISTORY_TRAVEL_MAX_KMH = 0
    logged_in(user, hours_ago=1, **IN_MUNICH)
    event = locate_in_sydney(user)
    assert (travel_of(event), place_of(event)["location_city"]) == (NO_TRAVEL, "Sydney")


def test_a_withdrawal_during_the_look_up_leaves_no_travel_and_no_entry(user, log):  # noqa: F811
    logged_in(user, hours_ago=1, **IN_MUNICH)
    Places.meanwhile.append(lambda: set_geolocation(user, enabled=False))
    event = locate_in_sydney(user)
    assert (travel_of(event), place_of(event)) == (NO_TRAVEL, NOWHERE)
    assert log(action="history.impossible_travel") == []


def test_a_job_that_comes_late_judges_by_when_the_log_in_was(user):
    logged_in(user, hours_ago=30, **IN_MUNICH)
    event = logged_in(user, ANOTHER_ADDRESS, hours_ago=29)
    locate(event.pk)
    km, kmh = travel_of(event)
    assert kmh == pytest.approx(km, rel=0.01)
