"""A user whose log-in name is an encrypted e-mail address."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib import admin
from django.contrib.auth import authenticate
from django.contrib.auth.checks import check_user_model
from django.contrib.auth.forms import PasswordResetForm
from django.core.management import CommandError, call_command
from django.urls import path

from tests.fields.conftest import CANARY, break_text
from tests.testapp.models import Account, Note

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

PASSWORD = "correct horse battery"


class AccountAdmin(admin.ModelAdmin):
    list_display = ["email", "is_staff"]
    search_fields = ["email__exact"]
    fields = ["email", "is_staff"]


class NoteAdmin(admin.ModelAdmin):
    list_display = ["title"]


site = admin.AdminSite()
site.register(Account, AccountAdmin)
site.register(Note, NoteAdmin)
urlpatterns = [path("admin/", site.urls)]


@pytest.fixture
def boss(db):
    return Account.objects.create_superuser("boss@example.com", PASSWORD)


@pytest.fixture
def browser(client, boss):
    client.force_login(boss)
    return client


@pytest.mark.parametrize("email", ["boss@example.com", "BOSS@Example.com"])
def test_the_address_logs_in(boss, email):
    assert authenticate(email=email, password=PASSWORD) == boss
    assert authenticate(username=email, password=PASSWORD) == boss


@pytest.mark.parametrize(
    ("email", "password"),
    [("boss@example.com", "wrong"), ("other@example.com", PASSWORD), ("", "")],
)
def test_a_wrong_pair_does_not_log_in(boss, email, password):
    assert authenticate(email=email, password=password) is None


def test_the_sealed_text_of_an_address_does_not_log_in(boss, cell):
    assert authenticate(email=cell(boss, "email").text, password=PASSWORD) is None


def create_superuser(email, **options):
    call_command("createsuperuser", email=email, interactive=False, stdout=StringIO(), **options)


def test_the_command_creates_a_superuser():
    create_superuser("root@example.com")
    assert Account.objects.get(email="ROOT@example.com").is_superuser


def test_the_command_refuses_a_taken_address(boss):
    with pytest.raises(CommandError, match="already taken"):
        create_superuser("BOSS@example.com")


def test_the_command_refuses_an_invalid_address():
    with pytest.raises(CommandError, match="valid email"):
        create_superuser("no address")


@pytest.mark.parametrize(("email", "found"), [("BOSS@example.com", 1), ("x@example.com", 0)])
def test_the_password_reset_form_finds_the_account(boss, email, found):
    assert list(PasswordResetForm().get_users(email)) == [boss] * found


def test_natural_keys_are_looked_up(boss):
    assert Account.objects.get_by_natural_key("boss@example.com") == boss


@pytest.mark.once
def test_the_auth_checks_have_nothing_to_say():
    assert check_user_model(app_configs=None) == []


def test_the_admin_logs_in(client, boss):
    answer = client.post(
        "/admin/login/?next=/admin/", {"username": "BOSS@example.com", "password": PASSWORD}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


@pytest.mark.parametrize(
    ("searched", "found"), [("ann@example.com", 1), ("ANN@EXAMPLE.COM", 1), ("ann", 0)]
)
def test_the_admin_searches_by_the_whole_address(browser, account, searched, found):
    answer = browser.get("/admin/testapp/account/", {"q": searched})
    assert answer.context["cl"].result_count == found


def test_the_admin_lists_addresses(browser, account):
    assert b"ann@example.com" in browser.get("/admin/testapp/account/").content


def test_the_admin_sorts_by_the_column_without_an_error(browser, account):
    assert browser.get("/admin/testapp/account/?o=1").status_code == 200


def test_the_admin_changes_an_address(browser, account):
    url = f"/admin/testapp/account/{account.pk}/change/"
    assert b'value="ann@example.com"' in browser.get(url).content
    assert browser.post(url, {"email": "new@example.com"}).status_code == 302
    assert Account.objects.get(email="new@example.com").pk == account.pk


def test_the_admin_refuses_a_taken_address(browser, account):
    url = f"/admin/testapp/account/{account.pk}/change/"
    answer = browser.post(url, {"email": "BOSS@example.com"})
    assert answer.context["errors"] == [["Account with this Email already exists."]]


def test_the_admin_adds_an_account(browser):
    assert (
        browser.post("/admin/testapp/account/add/", {"email": "x@example.com"}).status_code == 302
    )
    assert Account.objects.filter(email="x@example.com").exists()


def test_the_admin_lists_rows_that_do_not_open(browser, note, cell):
    cell(note, "body").text = break_text(cell(note, "body").text, "flipped")
    answer = browser.get("/admin/testapp/note/")
    assert b"plain title" in answer.content
    assert CANARY.encode() not in answer.content
