"""How often a token is good, also when several clients use it at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from bt_security import tokens
from bt_security.models import UsedToken
from bt_security.tokens import ledger
from bt_security.tokens.claims import ATTEMPTS, DEADLOCK
from tests.tokens.conftest import refusal_of


class Undone(Exception):
    """A change that did not work out."""


def redeem_in_threads(token, purpose="invite", *, threads):
    """Redeem a token in threads that begin together; say how often it was taken."""
    start = Barrier(threads)

    def run(_):
        start.wait()
        try:
            tokens.redeem(purpose, token)
        except tokens.TokenRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads))).count(True)


@pytest.mark.feature("BD-06")
@pytest.mark.django_db(transaction=True)
def test_of_two_parallel_redemptions_one_wins(ann):
    """A token that two clients redeem at the same moment is taken from exactly one of them."""
    for _ in range(5):
        token = tokens.issue("email_verification", ann)
        assert redeem_in_threads(token, "email_verification", threads=2) == 1


@pytest.mark.feature("TK-27")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("max_uses", "taken"), [(1, 1), (3, 3), (tokens.UNLIMITED, 6)])
def test_parallel_uses_of_an_invite_are_counted(max_uses, taken):
    """An invite is good for one to five uses, or for any number, however many come at once."""
    token = tokens.issue("invite", "", max_uses=max_uses)
    assert redeem_in_threads(token, threads=6) == taken


@pytest.mark.django_db
def test_a_token_is_refused_the_second_time(ann):
    token = tokens.issue("password_reset", ann)
    tokens.redeem("password_reset", token)
    assert refusal_of("password_reset", token) == "used"


@pytest.mark.django_db
def test_a_claim_is_consumed_once(ann):
    token = tokens.issue("password_reset", ann)
    first, second = (tokens.peek("password_reset", token) for _ in range(2))
    first.consume()
    for claim in (first, second):
        with pytest.raises(tokens.TokenRefused):
            claim.consume()


@pytest.mark.django_db
def test_looking_at_a_token_uses_nothing_up():
    token = tokens.issue("invite", "")
    for _ in range(3):
        tokens.peek("invite", token)
    assert not UsedToken.objects.exists()
    assert tokens.redeem("invite", token)


@pytest.mark.django_db
def test_an_invite_is_refused_after_its_last_use():
    token = tokens.issue("invite", "", max_uses=2)
    tokens.redeem("invite", token)
    tokens.redeem("invite", token)
    assert refusal_of("invite", token) == "used"


@pytest.mark.django_db
def test_an_unlimited_invite_leaves_no_rows():
    token = tokens.issue("invite", "", max_uses=tokens.UNLIMITED)
    for _ in range(7):
        tokens.redeem("invite", token)
    assert not UsedToken.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("purpose", "max_uses"), [("invite", 6), ("invite", -1)])
def test_more_uses_than_the_purpose_allows_are_refused(purpose, max_uses):
    with pytest.raises(ValueError, match="uses are not allowed"):
        tokens.issue(purpose, "", max_uses=max_uses)


@pytest.mark.django_db
def test_no_purpose_allows_more_than_a_hundred_counted_uses(purposes):
    with pytest.raises(ValueError, match="out of range"):
        tokens.Purpose(name="join_club", lifetime_seconds=3600, max_uses=101)
    tokens.register(tokens.Purpose(name="join_club", lifetime_seconds=3600, max_uses=100))
    assert tokens.peek("join_club", tokens.issue("join_club", "", max_uses=100)).max_uses == 100
    with pytest.raises(ValueError, match="uses are not allowed"):
        tokens.issue("join_club", "", max_uses=101)


@pytest.mark.django_db
@pytest.mark.parametrize("max_uses", [0, 2])
def test_a_token_that_acts_on_an_account_is_good_once_only(ann, max_uses):
    with pytest.raises(ValueError, match="uses are not allowed"):
        tokens.issue("password_reset", ann, max_uses=max_uses)


@pytest.mark.django_db
@pytest.mark.parametrize("max_uses", [1, 3, tokens.UNLIMITED])
def test_a_revoked_token_is_refused(events, max_uses):
    token = tokens.issue("invite", "", max_uses=max_uses)
    claim = tokens.peek("invite", token)
    for _ in range(2):
        tokens.revoke("invite", claim.token_id, expires_at=claim.expires_at)
    assert refusal_of("invite", token) == "revoked"
    with pytest.raises(tokens.TokenRefused):
        claim.consume()
    assert [event[0] for event in events].count("tokens.revoked") == 1


def change_and_fail(claim, user):
    with claim.consuming():
        user.set_password("a new password")
        user.save()
        raise Undone


def redeem_and_fail(token):
    with transaction.atomic():
        tokens.redeem("invite", token)
        raise Undone


@pytest.mark.feature("BD-07")
@pytest.mark.django_db(transaction=True)
def test_a_change_that_fails_gives_the_token_back(ann):
    """A token is used up in the transaction of the change, and is still good if that fails."""
    token = tokens.issue("password_reset", ann)
    with pytest.raises(Undone):
        change_and_fail(tokens.peek("password_reset", token), ann)
    assert tokens.redeem("password_reset", token)


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_of_the_caller_gives_the_token_back():
    token = tokens.issue("invite", "")
    with pytest.raises(Undone):
        redeem_and_fail(token)
    assert tokens.redeem("invite", token)


@pytest.mark.django_db(transaction=True)
def test_a_lost_race_in_the_callers_transaction_leaves_it_usable():
    token = tokens.issue("invite", "")
    claim = tokens.peek("invite", token)
    tokens.redeem("invite", token)
    with transaction.atomic():
        with pytest.raises(tokens.TokenRefused):
            claim.consume()
        assert UsedToken.objects.count() == 1


def failing(number, *, times):
    """Let the first inserts of a connection end as this error."""
    left = [OperationalError(number, "Deadlock found")] * times

    def fail(execute, sql, *arguments):
        if left and sql.startswith("INSERT"):
            raise left.pop()
        return execute(sql, *arguments)

    return connection.execute_wrapper(fail)


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_ends_as_a_deadlock_begins_again():
    token = tokens.issue("invite", "")
    with failing(DEADLOCK, times=ATTEMPTS - 1):
        assert tokens.redeem("invite", token)
    assert UsedToken.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("number", "times"), [(DEADLOCK, ATTEMPTS), (1205, 1)])
def test_other_errors_and_endless_deadlocks_are_raised(number, times):
    token = tokens.issue("invite", "")
    with failing(number, times=times), pytest.raises(OperationalError):
        tokens.redeem("invite", token)
    assert tokens.redeem("invite", token)


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_in_the_callers_transaction_is_the_callers():
    claim = tokens.peek("invite", tokens.issue("invite", ""))
    with failing(DEADLOCK, times=1), pytest.raises(OperationalError), transaction.atomic():
        claim.consume()
    assert not UsedToken.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("purpose", ["email_verification", "invite"])
def test_a_token_that_is_given_back_goes_to_exactly_one_of_the_others(ann, purpose):
    token = tokens.issue(purpose, ann if purpose != "invite" else "")
    start = Barrier(6)

    def run(number):
        try:
            claim = tokens.peek(purpose, token)
            start.wait()
            with claim.consuming():
                if number < 3:
                    raise Undone
        except (Undone, tokens.TokenRefused):
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(run, range(6))).count(True) == 1


@pytest.mark.django_db
def test_a_refusal_inside_the_change_is_reported_as_its_own(events):
    outer, inner = (tokens.peek("invite", tokens.issue("invite", "")) for _ in range(2))
    inner.consume()
    with pytest.raises(tokens.TokenRefused), outer.consuming():
        inner.consume()
    refused = [details for action, *_, details in events if action == "tokens.refused"]
    assert [details["token_id"] for details in refused] == [str(inner.token_id)]


@pytest.mark.django_db
def test_a_lost_race_is_reported_with_its_reason(events):
    claim = tokens.peek("invite", tokens.issue("invite", ""))
    claim.consume()
    with pytest.raises(tokens.TokenRefused):
        claim.consume()
    assert events[-1][0] == "tokens.refused"
    assert events[-1][3]["reason"] == "used"


def use_and_end(clock, count, *, days):
    for _ in range(count):
        tokens.redeem("invite", tokens.issue("invite", "", lifetime_seconds=60))
    clock.advance(days=days, minutes=2)


@pytest.mark.django_db
def test_records_are_kept_for_a_day_after_the_end(clock):
    use_and_end(clock, 2, days=0.9)
    assert tokens.prune() == (0, 0)


@pytest.mark.django_db
def test_the_command_deletes_old_records_in_batches(clock):
    use_and_end(clock, 3, days=1)
    tokens.redeem("invite", tokens.issue("invite", ""))
    output = StringIO()
    call_command("prune_tokens", "--batch-size=2", stdout=output)
    assert output.getvalue() == "Deleted: 3 records of used tokens, 0 API tokens.\n"
    assert UsedToken.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_old_records_go_when_tokens_are_used(clock):
    use_and_end(clock, 3, days=1)
    fields = {"purpose": "invite", "expires_at": clock.now, "max_uses": 1}
    with transaction.atomic():
        ledger.use(UUID(int=17), **fields)
    assert UsedToken.objects.count() == 4
    with transaction.atomic():
        ledger.use(UUID(int=16), **fields)
    assert UsedToken.objects.count() == 2


@pytest.mark.django_db
def test_a_use_is_shown_without_a_secret():
    token = tokens.issue("invite", "")
    claim = tokens.redeem("invite", token)
    assert str(UsedToken.objects.get()) == f"use 1 of invite token {claim.token_id}"
