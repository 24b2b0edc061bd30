"""One row that does not open never breaks a list page."""

from __future__ import annotations

import pickle

import pytest
from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.template import Context, Template
from django.test import override_settings
from django.urls import path

from bt_security.exceptions import NotSealed, OpenRefused, RetiredKey, Tampered, WrongKey
from bt_security.fields.refusals import refusal_here
from tests.testapp.models import Account, BankConnection, Note

pytestmark = pytest.mark.django_db

site = admin.AdminSite(name="lists")


@admin.register(Note, site=site)
class NoteAdmin(admin.ModelAdmin):
    list_display = ["title", "body"]


@admin.register(BankConnection, site=site)
class BankConnectionAdmin(admin.ModelAdmin):
    list_display = ["label", "access_url"]


urlpatterns = [path("lists/", site.urls)]


@pytest.fixture
def admin_user(db):
    return Account.objects.create_superuser("admin@example.org", "password")


@pytest.fixture
def broken_note():
    Note.objects.create(title="good", body="can be read")
    note = Note.objects.create(title="broken", body="cannot")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE testapp_note SET body = REPLACE(body, substr(body, 4, 8), '00000000') "
            "WHERE id = %s",
            [note.pk],
        )
    return note


@override_settings(ROOT_URLCONF=__name__)
def test_an_admin_list_of_an_encrypted_column_renders(client, admin_user, broken_note):
    client.force_login(admin_user)
    page = client.get("/lists/testapp/note/")
    assert page.status_code == 200
    assert b"can be read" in page.content


@override_settings(ROOT_URLCONF=__name__)
def test_an_admin_list_of_a_bound_column_renders(client, admin_user):
    other = Account.objects.create_user("other@example.org")
    moved = BankConnection.objects.create(owner=admin_user, label="moved", access_url="x")
    BankConnection.objects.filter(pk=moved.pk).update(owner=other)
    client.force_login(admin_user)
    assert client.get("/lists/testapp/bankconnection/").status_code == 200


@pytest.fixture
def moved(client, admin_user):
    """A bound value whose row belongs to another owner by now."""
    other = Account.objects.create_user("other@example.org")
    row = BankConnection.objects.create(owner=admin_user, label="moved", access_url="x")
    BankConnection.objects.filter(pk=row.pk).update(owner=other)
    client.force_login(admin_user)
    return row


def stored(row, column):
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


@override_settings(ROOT_URLCONF=__name__)
def test_the_admin_shows_the_row_and_keeps_the_value(client, admin_user, broken_note):
    client.force_login(admin_user)
    address = f"/lists/testapp/note/{broken_note.pk}/change/"
    before = stored(broken_note, "body")
    page = client.get(address)
    assert page.status_code == 200
    assert (
        b"This value cannot be read: sealed with a key that is not configured. It stays"
        in page.content
    )
    assert client.post(address, {"title": "new", "body": "typed"}).status_code == 302
    assert Note.objects.get(pk=broken_note.pk).title == "new"
    assert stored(broken_note, "body") == before


@override_settings(ROOT_URLCONF=__name__)
def test_the_admin_shows_the_row_of_a_bound_value_and_keeps_it(client, moved):
    address = f"/lists/testapp/bankconnection/{moved.pk}/change/"
    before = stored(moved, "access_url")
    page = client.get(address)
    assert page.status_code == 200
    assert b"cannot be read: changed, cut short or moved from" in page.content
    owner = BankConnection.objects.get(pk=moved.pk).owner_id
    entered = {"owner": owner, "label": "new", "access_url": "typed"}
    assert client.post(address, entered).status_code == 302
    assert BankConnection.objects.get(pk=moved.pk).label == "new"
    assert stored(moved, "access_url") == before


@override_settings(ROOT_URLCONF=__name__)
def test_the_admin_refuses_to_change_what_an_unreadable_value_is_bound_to(
    client, moved, admin_user
):
    address = f"/lists/testapp/bankconnection/{moved.pk}/change/"
    before = stored(moved, "access_url")
    page = client.post(address, {"owner": admin_user.pk, "label": "back"})
    assert page.status_code == 200
    assert b"This value cannot be read, so this cannot be changed: owner." in page.content
    assert stored(moved, "access_url") == before
    assert BankConnection.objects.get(pk=moved.pk).label == "moved"


@override_settings(ROOT_URLCONF=__name__)
def test_the_admin_deletes_the_row(client, admin_user, broken_note):
    client.force_login(admin_user)
    address = f"/lists/testapp/note/{broken_note.pk}/delete/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"post": "yes"}).status_code == 302
    assert not Note.objects.filter(pk=broken_note.pk).exists()


def test_a_template_shows_a_blank(broken_note):
    template = Template("{% for note in notes %}[{{ note.body }}]{% endfor %}")
    notes = Note.objects.order_by("pk")
    assert template.render(Context({"notes": notes})) == "[can be read][]"


@pytest.mark.parametrize("kind", [NotSealed, RetiredKey, Tampered, WrongKey])
def test_the_attribute_raises_the_named_error_as_something_absent(kind):
    error = refusal_here(kind(key_id="00000000"), model="a.B", field="c", pk=1)
    assert isinstance(error, kind)
    assert isinstance(error, ObjectDoesNotExist)
    assert "a.B.c (primary key 1)" in str(pickle.loads(pickle.dumps(error)))


def test_another_refusal_is_only_told_its_place():
    error = refusal_here(OpenRefused(detail="why"), model="a.B", field="c", pk=1)
    assert type(error) is OpenRefused
    assert str(error) == "a.B.c (primary key 1): did not open: why"
