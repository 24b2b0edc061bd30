"""A password that somebody else may know works on, and leads to its change and nowhere else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.utils import timezone

from bt_security.models import TemporaryPassword
from bt_security.passwords import issue_temporary_password
from bt_security.passwords.required import require_change
from tests.passwords.conftest import EMAIL, OWN
from tests.testapp.models import Account

pytestmark = pytest.mark.django_db
NEW = "Quite-an0ther-one"


@pytest.fixture
def required(somebody):
    assert require_change(somebody) is True
    return somebody


def enter(client, password=OWN):
    return client.post("/enter", {"username": EMAIL, "password": password})


def change(client, new=NEW):
    return client.post("/change", {"old_password": OWN, "new_password1": new, "new_password2": new})


def test_the_next_log_in_leads_to_the_change_and_nowhere_else(client, required):
    assert enter(client).status_code == 302
    assert client.get("/page").headers["Location"] == "/change"
    assert change(client).headers["Location"] == "/page"
    assert client.get("/page").status_code == 200


def test_changing_it_to_itself_is_no_change(client, required):
    enter(client)
    change(client, new=OWN)
    assert client.get("/page").headers["Location"] == "/change"


def test_a_program_is_told_to_change_the_password(client, required):
    enter(client)
    answer = client.get("/api/thing", headers={"Accept": "application/json"}).json()
    assert (answer["code"], answer["message"]) == (
        "PASSWORD_CHANGE_REQUIRED",
        "Change your password first.",
    )


def test_it_does_not_run_out(monkeypatch, required):
    later = timezone.now() + timedelta(days=10_000)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert not TemporaryPassword.objects.get().is_over()
    assert authenticate(None, email=EMAIL, password=OWN) == required


def test_asking_twice_is_harmless(required):
    assert require_change(required) is True
    assert TemporaryPassword.objects.count() == 1


def test_a_temporary_password_goes_on_running_out(somebody, temporary):
    assert require_change(somebody) is True
    assert TemporaryPassword.objects.get().expires_at is not None


def test_the_row_of_an_earlier_password_gives_way(somebody, temporary):
    somebody.set_password(OWN)
    somebody.save()
    assert require_change(somebody) is True
    assert TemporaryPassword.objects.get().expires_at is None
    assert TemporaryPassword.objects.tied_to(somebody) is not None


def test_a_temporary_password_takes_its_place(required):
    issue_temporary_password(required)
    assert TemporaryPassword.objects.get().expires_at is not None


def test_of_two_accounts_with_one_hash_each_has_its_own_row(required):
    other = Account.objects.create(email="other@example.com", password=required.password)
    assert TemporaryPassword.objects.tied_to(other) is None
    assert require_change(other) is True
    assert TemporaryPassword.objects.tied_to(other).user_id == other.pk
    assert TemporaryPassword.objects.tied_to(required).user_id == required.pk


def test_a_user_without_a_password_has_none_to_change(somebody):
    somebody.set_unusable_password()
    somebody.save()
    assert require_change(somebody) is False
    assert not TemporaryPassword.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BT_SECURITY_FEATURES", []),
        ("MIDDLEWARE", []),
        ("BT_SECURITY_PASSWORDS_CHANGE_URL", "no_such_name"),
    ],
)
def test_nothing_is_asked_where_nothing_would_lead_there(site, somebody, name, value):
    setattr(site, name, value)
    assert require_change(somebody) is False
    assert not TemporaryPassword.objects.exists()
