"""Jobs, withdrawals and erasures at the same moment, each with its own connection."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial

import pytest
from django.db import connection

from bt_security.history.locating import locate
from bt_security.history.privacy import erase_locations, set_geolocation
from tests.history.conftest import make_user
from tests.history.places import (
    ADDRESS,
    IN_MUNICH,
    NOWHERE,
    PROVIDER,
    Places,
    consent,
    logged_in,
    place_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

WAIT_SECONDS = 20
LOCK_SECONDS = 0.5
"""Enough to come to the row that another transaction holds."""


@pytest.fixture
def user(settings):
    settings.BT_SECURITY_GEO_PROVIDER = PROVIDER
    user = make_user("mary")
    consent(user)
    yield user
    Places.forget()


@pytest.fixture
def meanwhile():
    """Begin something in a thread with a connection of its own; `result` tells how it ended."""

    def with_own_connection(function, *args, wrapper=None):
        try:
            with connection.execute_wrapper(wrapper) if wrapper else nullcontext():
                return function(*args)
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        yield partial(pool.submit, with_own_connection)


class Pause:
    """Stops a job between its UPDATE of the event and its question for the consent."""

    def __init__(self):
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if sql.startswith("UPDATE") and "location_city" in sql:
            self.reached.set()
            assert self.go_on.wait(WAIT_SECONDS)
        return answer


@pytest.fixture
def paused(user, meanwhile):
    """A job that has stored a place, in a transaction that is still open."""
    event, pause = logged_in(user), Pause()
    job = meanwhile(locate, event.pk, wrapper=pause)
    assert pause.reached.wait(WAIT_SECONDS)
    yield event, pause, job
    pause.go_on.set()


def test_of_two_jobs_at_once_one_stores(user, meanwhile):
    event, together = logged_in(user), threading.Barrier(2)
    Places.meanwhile.extend([lambda: together.wait(WAIT_SECONDS)] * 2)
    for job in [meanwhile(locate, event.pk), meanwhile(locate, event.pk)]:
        job.result(WAIT_SECONDS)
    assert Places.asked == [ADDRESS] * 2
    assert place_of(event) == IN_MUNICH


# On SQLite the writer of before keeps all others waiting, so nothing of this can happen there.


@pytest.mark.postgres
@pytest.mark.mysql
def test_a_withdrawal_while_the_place_is_being_stored_counts(paused, user):
    event, pause, job = paused
    set_geolocation(user, enabled=False)
    pause.go_on.set()
    job.result(WAIT_SECONDS)
    assert place_of(event) == NOWHERE


@pytest.mark.postgres
@pytest.mark.mysql
def test_an_erasure_while_the_place_is_being_stored_counts(paused, user, meanwhile):
    event, pause, job = paused
    erasure = meanwhile(erase_locations, user)
    time.sleep(LOCK_SECONDS)
    assert not erasure.done()  # it waits for the event
    pause.go_on.set()
    job.result(WAIT_SECONDS)
    erasure.result(WAIT_SECONDS)
    assert place_of(event) == NOWHERE


@pytest.mark.postgres
@pytest.mark.mysql
def test_a_user_can_be_deleted_while_the_place_is_being_stored(paused, user, meanwhile):
    _event, pause, job = paused
    deletion = meanwhile(user.delete)
    time.sleep(LOCK_SECONDS)
    pause.go_on.set()
    job.result(WAIT_SECONDS)
    deletion.result(WAIT_SECONDS)
    assert not type(user).objects.exists()
