"""Every path on which a password is set refuses the same weak ones."""

from __future__ import annotations

import io

import pytest
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm
from django.contrib.auth.tokens import default_token_generator
from django.core.management import call_command
from django.utils.http import urlsafe_base64_encode

from bt_security.passwords import password_validators
from tests.testapp.models import Account

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.feature("TK-35"),
    pytest.mark.urls("tests.passwords.urls"),
]

EMAIL = "somebody@example.com"
OLD = "Old-password-7"
GOOD = "Tr0ub4dor&3"
WEAK = ["Ab1!xyz", "tr0ub4dor&3", "P@ssword", "Aa1!Aa1!"]


@pytest.fixture(autouse=True)
def _our_rules(settings):
    settings.AUTH_PASSWORD_VALIDATORS = password_validators()


@pytest.fixture
def account():
    return Account.objects.create_user(EMAIL, OLD)


@pytest.fixture
def has_password(account):
    def check(password: str) -> bool:
        account.refresh_from_db()
        return account.check_password(password)

    return check


class RegisterForm(BaseUserCreationForm):
    class Meta:
        model = Account
        fields = ["email"]


@pytest.mark.parametrize("weak", WEAK)
def test_registering_refuses_a_weak_password(weak):
    form = RegisterForm({"email": EMAIL, "password1": weak, "password2": weak})
    assert list(form.errors) == ["password2"]
    assert RegisterForm({"email": EMAIL, "password1": GOOD, "password2": GOOD}).is_valid()


@pytest.mark.parametrize("weak", WEAK)
def test_changing_refuses_a_weak_password(client, account, has_password, weak):
    client.force_login(account)
    for password in (weak, GOOD):
        sent = {"old_password": OLD, "new_password1": password, "new_password2": password}
        client.post("/password_change/", sent)
        assert has_password(password) is (password == GOOD)


@pytest.mark.parametrize("weak", WEAK)
def test_resetting_refuses_a_weak_password_and_keeps_the_link(client, account, has_password, weak):
    token = default_token_generator.make_token(account)
    link = f"/reset/{urlsafe_base64_encode(str(account.pk).encode())}/{token}/"
    for password in (weak, GOOD):
        form = client.get(link, follow=True).redirect_chain[-1][0]
        client.post(form, {"new_password1": password, "new_password2": password})
        assert has_password(password) is (password == GOOD)


@pytest.mark.parametrize("weak", WEAK)
def test_an_admin_cannot_set_a_weak_password(account, weak):
    form = AdminPasswordChangeForm(account, {"password1": weak, "password2": weak})
    assert list(form.errors) == ["password2"]
    assert AdminPasswordChangeForm(account, {"password1": GOOD, "password2": GOOD}).is_valid()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def type_passwords(monkeypatch):
    def prepare(*passwords: str) -> None:
        typed = iter(passwords)
        monkeypatch.setattr("getpass.getpass", lambda prompt="": next(typed))
        monkeypatch.setattr("builtins.input", lambda prompt: "n")

    return prepare


@pytest.mark.parametrize("weak", WEAK)
def test_createsuperuser_refuses_a_weak_password(type_passwords, weak):
    type_passwords(weak, weak, GOOD, GOOD)
    told = io.StringIO()
    call_command(
        "createsuperuser", email=EMAIL, stdin=Terminal(), stdout=io.StringIO(), stderr=told
    )
    assert "his password" in told.getvalue()
    assert Account.objects.get(email=EMAIL).check_password(GOOD)


@pytest.mark.parametrize("weak", WEAK)
def test_changepassword_refuses_a_weak_password(type_passwords, has_password, weak):
    type_passwords(weak, weak, GOOD, GOOD)
    told = io.StringIO()
    call_command("changepassword", EMAIL, stdout=io.StringIO(), stderr=told)
    assert "his password" in told.getvalue()
    assert has_password(GOOD)
