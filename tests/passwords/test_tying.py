"""A temporary password stays one under another hash, and any other password is free."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.core import serializers
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from bt_security.models import TemporaryPassword
from tests.passwords.conftest import EMAIL, OWN, let_run_out
from tests.testapp.models import Account

pytestmark = pytest.mark.django_db
PBKDF2 = "django.contrib.auth.hashers.PBKDF2PasswordHasher"


def is_temporary():
    return TemporaryPassword.objects.tied_to(Account.objects.get()) is not None


def queries_of(user, **options):
    with CaptureQueriesContext(connection) as queries:
        user.save(**options)
    return [query["sql"] for query in queries if "temporary" in query["sql"]]


@pytest.fixture
def other_hasher(site):
    """Hashes of before are out of date."""
    site.PASSWORD_HASHERS = [PBKDF2, *site.PASSWORD_HASHERS]


@pytest.mark.feature("BD-31")
def test_changing_it_to_itself_leads_to_the_change_again(client, somebody, temporary):
    """A temporary password that is changed to itself stays a temporary one."""
    client.post("/enter", {"username": EMAIL, "password": temporary})
    names = ("old_password", "new_password1", "new_password2")
    assert client.post("/change", dict.fromkeys(names, temporary)).status_code == 302
    assert client.get("/page").headers["Location"] == "/change"
    let_run_out()
    assert authenticate(None, email=EMAIL, password=temporary) is None


@pytest.mark.parametrize("fields", [None, ["password"], ["password", "is_staff"]])
def test_setting_it_again_keeps_it_temporary(somebody, temporary, fields):
    before = somebody.password
    somebody.set_password(temporary)
    somebody.save(update_fields=fields)
    assert somebody.password != before
    assert is_temporary()
    assert temporary not in "".join(map(str, vars(somebody).values()))


@pytest.mark.parametrize("fields", [None, ["password"]])
def test_another_password_is_free(somebody, temporary, fields):
    somebody.set_password(OWN)
    somebody.save(update_fields=fields)
    assert not is_temporary()


def test_it_is_free_once_there_was_another_one(somebody, temporary):
    for password in (OWN, temporary):
        somebody.set_password(password)
        somebody.save()
    assert not is_temporary()


def test_an_unusable_password_is_no_temporary_one(somebody, temporary):
    somebody.set_unusable_password()
    somebody.save(update_fields=["password"])
    assert not is_temporary()


@pytest.mark.feature("BD-31")
def test_hashing_it_anew_without_a_session_keeps_it_temporary(somebody, temporary, other_hasher):
    """A temporary password that Django hashes anew without a log-in stays a temporary one."""
    assert authenticate(None, email=EMAIL, password=temporary).password != somebody.password
    assert is_temporary()
    let_run_out()
    assert authenticate(None, email=EMAIL, password=temporary) is None


def test_hashing_it_anew_in_async_code_keeps_it_temporary(somebody, temporary, other_hasher):
    found = async_to_sync(aauthenticate)(None, email=EMAIL, password=temporary)
    assert found.password != somebody.password
    assert is_temporary()


def test_saves_without_a_password_ask_nothing(somebody, temporary):
    assert queries_of(somebody) == queries_of(somebody, update_fields=["is_staff"]) == []


def test_a_save_that_leaves_the_password_out_asks_nothing(somebody, temporary):
    somebody.set_password(OWN)
    assert queries_of(somebody, update_fields=["is_staff"]) == []


def test_new_users_ask_nothing(site):
    somebody = Account(email=EMAIL)
    somebody.set_password(OWN)
    assert queries_of(somebody) == []


def test_a_password_of_a_user_who_never_had_a_temporary_one_asks_once(somebody):
    somebody.set_password(OWN)
    assert len(queries_of(somebody)) == 1


def test_loading_a_fixture_asks_nothing(somebody, temporary):
    (loaded,) = serializers.deserialize("python", serializers.serialize("python", [somebody]))
    with CaptureQueriesContext(connection) as queries:
        loaded.save()
    assert "temporary" not in str(queries.captured_queries)


def test_what_a_failed_save_has_noted_is_forgotten(somebody, temporary):
    somebody.set_password(temporary)
    with pytest.raises(IntegrityError), transaction.atomic():
        somebody.save(force_insert=True)
    assert queries_of(somebody, update_fields=["is_staff"]) == []
    assert is_temporary()
