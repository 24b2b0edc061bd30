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
