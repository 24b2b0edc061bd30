"""Temporary passwords: what they are, when they work, and what makes them void."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bt_security import passwords
from bt_security.models import TemporaryPassword
from bt_security.models.temporary_password import digest_of
from bt_security.passwords import issue_temporary_password, password_validators
from bt_security.passwords.temporary import DIGITS, GROUP_CHARS, GROUPS, LETTERS, new_password
from tests.passwords.conftest import EMAIL, OWN, let_run_out
from tests.passwords.temporary_site import ByNumber
from tests.testapp.models import Account

pytestmark = pytest.mark.django_db
ENTER = "/admin/login/"
BY_NUMBER = f"{ByNumber.__module__}.{ByNumber.__qualname__}"


def enter(client, password, email=EMAIL):
    return client.post(ENTER, {"username": email, "password": password})


def normalised(answer):
    """The page without what differs between any two answers."""
    return answer.context["form"].errors.as_json(), answer.status_code


@pytest.fixture
def staff(somebody):
    somebody.is_staff = True
    somebody.save()
    return somebody


@pytest.mark.feature("BD-31")
def test_a_password_that_has_run_out_is_refused_like_a_wrong_one(client, staff, temporary):
    """A temporary password that has run out is refused with the answer to a wrong one."""
    let_run_out()
    run_out_answer = enter(client, temporary)
    assert normalised(run_out_answer) == normalised(enter(client, "Wr0ng-password!"))
    assert "_auth_user_id" not in client.session


def test_what_is_typed_for_an_account_does_not_matter_once_its_password_has_run_out(
    client, staff, temporary
):
    let_run_out()
    assert enter(client, "wrong").status_code == 200


def test_the_refusal_hashes_as_often_as_a_wrong_password_and_asks_as_often(
    client, staff, temporary, monkeypatch
):
    counted = []
    hasher = "django.contrib.auth.hashers.MD5PasswordHasher.encode"

    def counting(self, password, salt):
        counted.append(password)
        return f"md5${salt}$never"

    monkeypatch.setattr(hasher, counting)
    with CaptureQueriesContext(connection) as wrong:
        assert authenticate(None, email=EMAIL, password="wrong") is None
    hashed = len(counted)
    let_run_out()
    with CaptureQueriesContext(connection) as over:
        assert authenticate(None, email=EMAIL, password=temporary) is None
    assert (len(over), len(counted)) == (len(wrong), 2 * hashed)


def test_names_that_nobody_has_cost_the_same_queries(somebody):
    with CaptureQueriesContext(connection) as known:
        authenticate(None, email=EMAIL, password="wrong")
    with CaptureQueriesContext(connection) as unknown:
        authenticate(None, email="nobody@example.com", password="wrong")
    assert len(known) == len(unknown) == 3


def test_it_is_refused_without_a_request(somebody, temporary):
    let_run_out()
    assert authenticate(None, email=EMAIL, password=temporary) is None


def test_it_is_refused_in_async_code(somebody, temporary):
    let_run_out()
    assert async_to_sync(aauthenticate)(None, email=EMAIL, password=temporary) is None


def test_a_backend_that_finds_accounts_otherwise_lets_nobody_in_either(
    client, site, somebody, temporary
):
    site.AUTHENTICATION_BACKENDS = [site.AUTHENTICATION_BACKENDS[0], BY_NUMBER]
    typed = {"number": somebody.pk, "word": temporary}
    assert client.post("/number", typed).status_code == 200
    client.logout()
    let_run_out()
    assert client.post("/number", typed).status_code == 403
    assert "_auth_user_id" not in client.session


def test_the_other_password_does_not_work_any_more(client, staff, temporary):
    assert enter(client, OWN).status_code == 200


def test_another_accounts_temporary_password_does_not_work(client, staff, temporary):
    Account.objects.create_user("other@example.com", OWN, is_staff=True)
    assert enter(client, temporary, "other@example.com").status_code == 200


def test_the_one_before_does_not_work_any_more(client, staff, temporary):
    second = issue_temporary_password(staff)
    assert enter(client, temporary).status_code == 200
    assert enter(client, second).status_code == 302
    assert TemporaryPassword.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "value", "missing"),
    [
        ("BT_SECURITY_FEATURES", [], "passwords"),
        ("AUTHENTICATION_BACKENDS", [], "LimitedBackend"),
        ("MIDDLEWARE", [], "AccountMiddleware"),
        ("BT_SECURITY_PASSWORDS_CHANGE_URL", "no_such_name", "CHANGE_URL"),
        ("BT_SECURITY_PASSWORDS_CHANGE_URL", "//elsewhere.example.com/x", "CHANGE_URL"),
        ("BT_SECURITY_PASSWORDS_CHANGE_URL", "https://elsewhere.example.com/", "CHANGE_URL"),
    ],
)
def test_nothing_is_given_where_nothing_would_end_it(site, somebody, name, value, missing):
    setattr(site, name, value)
    with pytest.raises(ImproperlyConfigured, match=missing):
        issue_temporary_password(somebody)
    somebody.refresh_from_db()
    assert somebody.check_password(OWN)
    assert not TemporaryPassword.objects.exists()


def test_another_backend_before_ours_would_let_it_work_for_ever(site, somebody):
    site.AUTHENTICATION_BACKENDS = site.AUTHENTICATION_BACKENDS[::-1]
    with pytest.raises(ImproperlyConfigured, match="not the first"):
        issue_temporary_password(somebody)


@pytest.mark.parametrize("hours", [0, 169, "24"])
def test_the_setting_has_bounds(site, somebody, hours):
    site.BT_SECURITY_PASSWORDS_TEMPORARY_HOURS = hours
    with pytest.raises(ImproperlyConfigured):
        issue_temporary_password(somebody)


@pytest.mark.parametrize(("hours", "wanted"), [(None, 24), (1, 1), (168, 168)])
def test_it_works_for_the_hours_of_the_setting(site, somebody, hours, wanted):
    if hours is not None:
        site.BT_SECURITY_PASSWORDS_TEMPORARY_HOURS = hours
    before = timezone.now()
    issue_temporary_password(somebody)
    left = TemporaryPassword.objects.get().expires_at - before
    assert timedelta(0) <= left - timedelta(hours=wanted) < timedelta(minutes=1)


def test_it_is_stored_as_hashes_only(somebody, temporary):
    row = TemporaryPassword.objects.get()
    assert row.digest == digest_of(somebody.password)
    assert str(row) == f"password to change of user {somebody.pk}"
    assert temporary not in "".join(map(str, [*vars(row).values(), *vars(somebody).values()]))


@pytest.mark.parametrize("profile", ["classes", "nist"])
def test_every_one_satisfies_the_rules_of_both_profiles(settings, profile):
    settings.BT_SECURITY_PASSWORDS_PROFILE = profile
    settings.AUTH_PASSWORD_VALIDATORS = password_validators()
    for _ in range(300):
        validate_password(new_password())


def test_it_has_ninety_bits_and_nothing_that_is_mistaken_for_something_else():
    alphabet = LETTERS + DIGITS
    assert len(set(alphabet)) == len(alphabet)
    assert not set(alphabet) & set("01bgiloqsuz")
    assert GROUPS * GROUP_CHARS * math.log2(len(alphabet)) >= 92
    made = {new_password() for _ in range(500)}
    assert len(made) == 500
    assert {character.lower() for each in made for character in each} == set(alphabet) | {"-"}


def test_changing_the_password_makes_the_row_void(client, staff, temporary):
    let_run_out()
    staff.set_password(OWN)
    staff.save()
    assert enter(client, OWN).status_code == 302
    assert client.get("/page").status_code == 200


def test_a_copy_of_the_hash_does_not_make_another_account_one_with_a_row(somebody, temporary):
    other = Account.objects.create(email="other@example.com", password=somebody.password)
    assert TemporaryPassword.objects.tied_to(somebody) is not None
    assert TemporaryPassword.objects.tied_to(other) is None
    assert TemporaryPassword.objects.tied_to(None) is None


def test_without_the_feature_a_log_in_asks_nothing_more(site, somebody):
    site.BT_SECURITY_FEATURES = []
    with CaptureQueriesContext(connection) as queries:
        authenticate(None, email=EMAIL, password=OWN)
    assert len(queries) == 1


def test_the_package_gives_nothing_else_so():
    with pytest.raises(AttributeError, match="no_such_thing"):
        passwords.no_such_thing  # noqa: B018
