"""Imported and old hashes at log-in."""

from __future__ import annotations

import bcrypt
import pytest
from django.contrib.auth.hashers import make_password

from bt_security.passwords import password_hashers
from tests.testapp.models import Account

pytestmark = pytest.mark.django_db

EMAIL = "somebody@example.com"
LONG = "Tr0ub4dor&3" + "x" * 72  # 83 bytes


@pytest.fixture(autouse=True)
def _our_hashers(settings):
    settings.PASSWORD_HASHERS = password_hashers()


@pytest.fixture
def log_in(client):
    """Return the status of a log-in: 302 is in, 200 is the form again."""

    def post(password: str) -> int:
        return client.post("/admin/login/", {"username": EMAIL, "password": password}).status_code

    return post


def account_with(hashed: str) -> Account:
    return Account.objects.create(email=EMAIL, password=hashed, is_staff=True)


def imported(password: str) -> str:
    return "bcrypt$" + bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()


@pytest.mark.feature("BT-30")
def test_a_wrong_long_password_against_an_imported_hash_is_the_form_again(log_in):
    """A wrong password of 83 bytes against an imported hash is an ordinary refusal, no server
    error."""
    account_with(imported(LONG))
    assert log_in(f"x{LONG}") == 200


@pytest.mark.feature("BT-30", "BD-33")
@pytest.mark.parametrize("password", ["Tr0ub4dor&3", LONG], ids=["short", "83 bytes"])
def test_an_imported_hash_is_upgraded_at_log_in(log_in, password):
    """An imported bcrypt hash opens the account and is replaced by the preferred one at log-in."""
    account = account_with(imported(password))
    assert log_in(password) == 302
    account.refresh_from_db()
    assert account.password.startswith("bcrypt_sha256$$2b$12$")
    assert log_in(password) == 302


@pytest.mark.feature("BD-33")
def test_an_old_hash_of_django_is_upgraded_at_log_in(log_in):
    """An old hash of Django is replaced by the preferred one at log-in."""
    account = account_with(make_password("Tr0ub4dor&3", hasher="pbkdf2_sha256"))
    assert log_in("Tr0ub4dor&3") == 302
    account.refresh_from_db()
    assert account.password.startswith("bcrypt_sha256$")


def test_the_whole_of_a_long_password_counts_after_the_upgrade(log_in):
    account_with(imported(LONG))
    log_in(LONG)
    assert log_in(f"{LONG[:72]}another end") == 200


@pytest.mark.parametrize("password", ["x" * 2_000_000, "secret\ud800"])
@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
def test_a_password_that_cannot_be_hashed_is_wrong_for_everybody(client, password, email):
    account_with(imported("Tr0ub4dor&3"))
    assert client.login(email=email, password=password) is False
