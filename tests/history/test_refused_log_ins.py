"""What is no log-in leaves no row of one, and what was undone leaves only what failed."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.signals import request_finished
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from bt_security.history import record_factor_failed, waiting
from bt_security.history.recording import record
from bt_security.models import LoginEvent, LoginOutcome, TemporaryPassword
from bt_security.passwords import issue_temporary_password, restriction
from tests.accounts.impersonating import begin
from tests.audit.conftest import audit_on, log
from tests.history.conftest import (
    browser,
    connect_first,
    events,
    log_in,
    make_user,
    only_event,
    post_json,
)
from tests.passwords.temporary_site import ByNumber

__all__ = ["audit_on", "log"]

pytestmark = pytest.mark.usefixtures("history_on")

LIMITED = "bt_security.ratelimit.LimitedBackend"
DJANGOS = "django.contrib.auth.backends.ModelBackend"
BY_NUMBER = f"{ByNumber.__module__}.{ByNumber.__qualname__}"


@pytest.fixture
def limited(history_on):
    """A site that lets each address try once in a quarter of an hour."""
    history_on.BT_SECURITY_FEATURES = ["ratelimit", "history"]
    history_on.AUTHENTICATION_BACKENDS = [LIMITED, DJANGOS]
    history_on.BT_SECURITY_RATELIMIT_OPERATIONS = {"login": "1/15m:ip"}
    history_on.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid4().hex,
        }
    }


@pytest.fixture
def run_out(history_on, user):
    """A temporary password that has run out, on a site where names are not the only way in."""
    history_on.BT_SECURITY_FEATURES = ["passwords", "history"]
    history_on.AUTHENTICATION_BACKENDS = [LIMITED, DJANGOS, BY_NUMBER]
    connect_first(restriction)
    password = issue_temporary_password(user)
    TemporaryPassword.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return password


def test_a_log_in_that_the_limiter_refuses_is_a_failure(limited, user):
    client = browser()
    log_in(client, user, "wrong")
    assert log_in(client, user).status_code == 429
    assert [event.outcome for event in events()] == [LoginOutcome.FAILURE] * 2


def test_a_password_that_has_run_out_is_a_failure(run_out, user):
    post_json(browser(), "/json-login/", user, run_out)
    assert only_event().outcome == LoginOutcome.FAILURE


def test_one_that_is_refused_after_the_backend_took_it_leaves_no_success(run_out, user):
    body = {"number": user.pk, "password": run_out}
    answer = browser().post("/json-login/", body, content_type="application/json")
    assert answer.status_code == 403
    assert not events(outcome=LoginOutcome.SUCCESS)


@pytest.mark.once
def test_acting_as_somebody_is_no_log_in_of_theirs(sealed_sessions, log, user):
    sealed_sessions.BT_SECURITY_FEATURES = ["sessions", "audit", "history"]
    sealed_sessions.BT_SECURITY_IMPERSONATION_ENABLED = True
    sealed_sessions.ROOT_URLCONF = "tests.accounts.impersonation_site"
    operator = make_user("sam", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(operator)
    assert begin(client, user).status_code == 200
    assert only_event().user == operator


class TestTransactions:
    """What a transaction takes with it, and what it does not."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_a_success_goes_with_the_transaction_that_is_undone(self, transactional_db, user):
        post_json(browser(), "/undone/", user)
        assert not LoginEvent.objects.exists()

    def test_a_failure_outlives_the_transaction_that_is_undone(self, transactional_db, user):
        post_json(browser(), "/undone/", user, "wrong")
        assert only_event().outcome == LoginOutcome.FAILURE

    def test_a_failure_is_stored_by_the_commit(self, transactional_db, user):
        with transaction.atomic():
            assert record(user=user, outcome=LoginOutcome.FAILURE, request=None) is None
            assert not LoginEvent.objects.exists()
        assert only_event().user == user

    def test_a_wrong_factor_outlives_the_transaction_as_well(self, transactional_db, user, rf):
        with transaction.atomic():
            record_factor_failed(rf.post("/"), user, method="totp")
            transaction.set_rollback(True)
        request_finished.send(__name__)
        assert only_event().outcome == LoginOutcome.FACTOR_FAILED

    def test_what_waits_does_so_until_the_outermost_block_ends(self, transactional_db, user):
        with transaction.atomic():
            record(user=user, outcome=LoginOutcome.FAILURE, request=None)
            waiting.store_waiting()
            assert not LoginEvent.objects.exists()
            transaction.set_rollback(True)
        waiting.store_waiting()
        assert only_event().user == user

    def test_what_nobody_has_stored_is_stored_by_the_next_event(self, transactional_db, user):
        with transaction.atomic():
            record(user=user, outcome=LoginOutcome.FAILURE, request=None)
            transaction.set_rollback(True)
        record(user=user, outcome=LoginOutcome.SUCCESS, request=None)
        assert [event.outcome for event in events()] == ["failure", "success"]

    def test_the_connection_is_closed_again_at_the_end_of_a_request(self, transactional_db, user):
        with transaction.atomic():
            record(user=user, outcome=LoginOutcome.FAILURE, request=None)
            transaction.set_rollback(True)
        connection.close()
        request_finished.send(__name__)
        assert connection.connection is None
        assert only_event().user == user

    def test_a_failure_of_an_account_that_was_undone_as_well_is_a_log_line(
        self, transactional_db, caplog
    ):
        with transaction.atomic():
            record(user=make_user("eve"), outcome=LoginOutcome.FAILURE, request=None)
            transaction.set_rollback(True)
        request_finished.send(__name__)
        assert not LoginEvent.objects.exists()
        assert "(IntegrityError)" in caplog.text
