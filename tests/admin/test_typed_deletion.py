"""Deletion in the admin asks for the name of what is deleted."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group, Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import clear_url_caches, path

from bt_security.admin import TypedDeletionMixin
from tests.audit.conftest import audit_on, log
from tests.testapp.models import Account, Legacy, Note, Person, Pet

__all__ = ["audit_on", "log"]

pytestmark = pytest.mark.django_db
LIST = "/admin/auth/group/"
ERROR = "This is not what has to be typed. Nothing was deleted."
OWN_TEMPLATES = {
    "own_deletion.html": """{% extends "admin/base_site.html" %}{% block content %}a page of its own
        <form method="post">{% csrf_token %}<button class="x" type="submit">Go</button></form>
        {% endblock %}""",
    "placed.html": """{% extends "admin/base_site.html" %}{% block content %}<form method="post">
        {% include "admin/bt_security/typed_deletion/field.html" %}<p>after it</p>
        <button type="submit">Go</button></form>{% endblock %}""",
    "admin/testapp/pet/delete_confirmation.html": """{% extends "admin/delete_confirmation.html" %}
        {% block delete_confirm %}the site's words {{ block.super }}{% endblock %}""",
    "admin/testapp/pet/delete_selected_confirmation.html": """
        {% extends "admin/delete_selected_confirmation.html" %}
        {% block content %}several {{ block.super }}{% endblock %}""",
}

urlpatterns = []


class TypedGroups(TypedDeletionMixin, GroupAdmin):
    """As a site writes it."""


class Notes(TypedDeletionMixin, admin.ModelAdmin):
    delete_confirmation_template = "own_deletion.html"


class Pets(TypedDeletionMixin, admin.ModelAdmin):
    def typed_name(self, obj):
        return f" pet {obj.label} "


class Persons(TypedDeletionMixin, admin.ModelAdmin):
    """Those of a team are needed by something else."""

    def get_deleted_objects(self, objs, request):
        found, counts, lacking, protected = super().get_deleted_objects(objs, request)
        needed = [person.team for person in objs if person.team]
        return found, counts, lacking, needed or protected


class PlainAnswers:
    def render_delete_form(self, request, context):
        return HttpResponse("no template")


class Legacies(TypedDeletionMixin, PlainAnswers, admin.ModelAdmin):
    """Answers as it likes."""


@pytest.fixture(autouse=True)
def _site(settings):
    """The default admin site, which the audit log watches, with other admins for a while."""
    admins = {Group: TypedGroups, Note: Notes, Pet: Pets, Person: Persons, Legacy: Legacies}
    admin.site.unregister(Group)
    for model, kind in admins.items():
        admin.site.register(model, kind)
    settings.ROOT_URLCONF = __name__
    locmem = ("django.template.loaders.locmem.Loader", OWN_TEMPLATES)
    app_dirs = "django.template.loaders.app_directories.Loader"
    (engine,) = settings.TEMPLATES
    options = {**engine["OPTIONS"], "loaders": [locmem, app_dirs]}
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": options}]
    urlpatterns[:] = [path("admin/", admin.site.urls)]
    clear_url_caches()
    yield
    for model in admins:
        admin.site.unregister(model)
    admin.site.register(Group, GroupAdmin)
    clear_url_caches()


@pytest.fixture
def group():
    return Group.objects.create(name="Book keepers")


def delete_url(obj):
    return f"/admin/{obj._meta.app_label}/{obj._meta.model_name}/{obj.pk}/delete/"


def confirm(client, obj, **fields):
    return client.post(delete_url(obj), {"post": "yes", **fields})


def select(client, objs, url=LIST, **fields):
    data = {"action": "delete_selected", "_selected_action": [obj.pk for obj in objs], **fields}
    return client.post(url, data)


@pytest.mark.feature("BD-32")
@pytest.mark.parametrize("typed", ["", "book keepers", "Book keeper", "Book  keepers", "yes"])
def test_another_name_is_a_400_and_deletes_nothing(admin_client, group, typed):
    """A deletion in the admin whose name is typed wrong is a 400 with the form again."""
    answer = confirm(admin_client, group, typed_name=typed)
    assert answer.status_code == 400
    assert ERROR in answer.content.decode()
    assert 'name="typed_name"' in answer.content.decode()
    assert Group.objects.filter(pk=group.pk).exists()
    assert not LogEntry.objects.exists()


def test_a_form_without_the_field_deletes_nothing(admin_client, group):
    assert confirm(admin_client, group).status_code == 400
    assert Group.objects.exists()


@pytest.mark.feature("BD-32")
@pytest.mark.parametrize("typed", ["Book keepers", "3 group", "2 groups", "", "3 Groups"])
def test_several_are_not_deleted_by_another_number_or_word(admin_client, group, typed):
    """Several objects are deleted only by typing their number and what they are."""
    groups = [group, *(Group.objects.create(name=name) for name in ("b", "c"))]
    answer = select(admin_client, groups, post="yes", typed_name=typed)
    assert (answer.status_code, Group.objects.count()) == (400, 3)
    assert ERROR in answer.content.decode()
    assert "To delete, type 3 groups" in answer.content.decode()
    assert answer.context["title"] == "Delete multiple objects"


def test_the_permission_is_asked_for_first(client, group):
    staff = Account.objects.create_user("staff@example.org", "password", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_group"))
    client.force_login(staff)
    assert client.get(delete_url(group)).status_code == 403
    assert confirm(client, group, typed_name="Book keepers").status_code == 403
    assert Group.objects.exists()


def test_without_permission_for_what_goes_with_it_there_is_no_field_and_no_deletion(client):
    staff = Account.objects.create_user("staff@example.org", "password", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="delete_person"))
    person = Person.objects.create()
    Pet.objects.create(owner=person, label="Rex")
    client.force_login(staff)
    assert "typed_name" not in client.get(delete_url(person)).content.decode()
    for typed in ("wrong", str(person)):
        assert confirm(client, person, typed_name=typed).status_code == 403


def test_what_something_needs_is_not_deleted_by_its_name_either(admin_client):
    person = Person.objects.create(team="a team")
    for typed in (str(person), "wrong"):
        answer = confirm(admin_client, person, typed_name=typed)
        assert (answer.status_code, Person.objects.count()) == (200, 1)
        assert "typed_name" not in answer.content.decode()
    assert "typed_name" not in admin_client.get(delete_url(person)).content.decode()


def test_an_admin_that_answers_without_a_template_deletes_nothing_without_the_name(admin_client):
    legacy = Legacy.objects.create(token="x")
    assert confirm(admin_client, legacy, typed_name="wrong").content == b"no template"
    assert Legacy.objects.exists()


def test_a_post_without_csrf_token_is_refused(admin_user, group):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert confirm(client, group, typed_name="Book keepers").status_code == 403


def test_an_object_that_is_gone_is_said_to_be_gone(admin_client, group):
    url = delete_url(group)
    group.delete()
    assert admin_client.post(url, {"post": "yes"}).status_code == 302


@pytest.mark.parametrize("typed", ["Book keepers", "  Book keepers \t"])
def test_the_name_deletes(admin_client, group, typed):
    assert confirm(admin_client, group, typed_name=typed).headers["Location"] == LIST
    assert not Group.objects.exists()
    assert LogEntry.objects.count() == 1


def test_the_number_and_what_they_are_deletes_several(admin_client, group):
    groups = [group, Group.objects.create(name="b")]
    assert select(admin_client, groups, post="yes", typed_name=" 2 groups ").status_code == 302
    assert not Group.objects.exists()


def test_one_selected_is_deleted_by_its_name(admin_client, group):
    assert select(admin_client, [group], post="yes", typed_name="1 groups").status_code == 400
    assert select(admin_client, [group], post="yes", typed_name="Book keepers").status_code == 302
    assert not Group.objects.exists()


def test_selected_rows_that_are_gone_need_no_name(admin_client, group):
    Group.objects.create(name="stays")
    gone = Group(pk=group.pk)
    group.delete()
    assert select(admin_client, [gone], post="yes").status_code == 302
    assert Group.objects.count() == 1


def test_the_pages_that_ask_are_no_refusals(admin_client, group):
    for answer in (
        admin_client.get(delete_url(group)),
        select(admin_client, [group]),
        select(admin_client, [group, Group.objects.create(name="b")]),
    ):
        assert answer.status_code == 200
        assert ERROR not in answer.content.decode()
        assert answer.content.decode().count('name="typed_name"') == 1


def test_the_list_is_as_it_was(admin_client, group):
    assert "typed_name" not in admin_client.get(LIST).content.decode()
    assert "typed_name" not in admin_client.post(LIST, {"action": "none"}).content.decode()


def test_the_field_is_labelled_and_stands_before_the_button(admin_client, group):
    page = admin_client.get(delete_url(group)).content.decode()
    assert '<label class="required" for="id_typed_name">To delete, type Book keepers' in page
    assert page.index('id="id_typed_name"') < page.index('type="submit" value="Yes')


def test_a_refusal_is_tied_to_the_field_and_announced(admin_client, group):
    page = confirm(admin_client, group, typed_name="x").content.decode()
    assert 'aria-invalid="true" aria-describedby="typed-name-error" autofocus' in page
    assert 'id="typed-name-error" role="alert"' in page
    assert "<title>Delete" in page.replace("\n", "")


def test_the_pages_have_neither_script_nor_style_of_their_own(admin_client, group):
    for answer in (confirm(admin_client, group), select(admin_client, [group], post="yes")):
        main = answer.content.decode().partition('id="content"')[2].partition("END Content")[0]
        for banned in ("<script", "<style", "style=", "onclick", "javascript:"):
            assert banned not in main


def test_names_are_escaped(admin_client):
    group = Group.objects.create(name="<b>bold</b>")
    page = confirm(admin_client, group, typed_name='"><i>').content.decode()
    assert "<b>" not in page
    assert "<i>" not in page
    assert confirm(admin_client, group, typed_name="<b>bold</b>").status_code == 302


def test_a_popup_stays_one(admin_client, group):
    answer = admin_client.post(f"{delete_url(group)}?_popup=1", {"post": "yes", "_popup": "1"})
    assert answer.status_code == 400
    assert '<input type="hidden" name="_popup" value="1">' in answer.content.decode()
    answer = confirm(admin_client, group, _popup="1", typed_name="Book keepers")
    assert "data-popup-response" in answer.content.decode()


def test_a_template_of_the_admins_own_is_used(admin_client):
    note = Note.objects.create(title="a note")
    page = confirm(admin_client, note, typed_name="x").content.decode()
    assert "a page of its own" in page
    assert page.index(ERROR) < page.index('<button class="x"')
    assert confirm(admin_client, note, typed_name="a note").status_code == 302


def test_a_template_may_place_the_field_itself(admin_client, monkeypatch):
    monkeypatch.setattr(Notes, "delete_confirmation_template", "placed.html")
    page = admin_client.get(delete_url(Note.objects.create(title="a"))).content.decode()
    assert page.count('name="typed_name"') == 1
    assert page.index('name="typed_name"') < page.index("after it")


def test_templates_in_djangos_places_are_used(admin_client):
    pet = Pet.objects.create(label="Rex")
    page = admin_client.get(delete_url(pet)).content.decode()
    assert "the site's words" in page
    assert "To delete, type pet Rex" in page
    several = select(admin_client, [pet], url="/admin/testapp/pet/").content.decode()
    assert "several" in several
    assert "To delete, type pet Rex" in several


def test_an_admin_may_ask_for_another_name(admin_client):
    pet = Pet.objects.create(label="Rex")
    assert confirm(admin_client, pet, typed_name=str(pet)).status_code == 400
    assert confirm(admin_client, pet, typed_name="pet Rex").status_code == 302


@pytest.mark.parametrize(
    ("title", "wanted"), [("a\n  b", "a b"), (" \u2003", "note {pk}"), ("", "note {pk}")]
)
def test_a_name_that_no_line_can_hold_is_asked_for_as_it_is_shown(title, wanted):
    note = Note.objects.create(title=title)
    pages = admin.site.get_model_admin(Note)
    assert pages.typed_name(note) == wanted.format(pk=note.pk)


def test_the_audit_log_has_one_entry_of_one_deletion(admin_client, group, log):
    confirm(admin_client, group, typed_name="wrong")
    assert log(action="admin.deleted") == []
    confirm(admin_client, group, typed_name="Book keepers")
    assert log.only(action="admin.deleted").target_id == str(group.pk)


def test_the_audit_log_has_one_entry_of_several_deletions(admin_client, group, log):
    groups = [group, Group.objects.create(name="b")]
    pks = sorted(str(each.pk) for each in groups)
    select(admin_client, groups)
    select(admin_client, groups, post="yes", typed_name="wrong")
    assert log(action="admin.deleted") == []
    select(admin_client, groups, post="yes", typed_name="2 groups")
    body = log.only(action="admin.deleted").body
    assert (body["count"], sorted(body["pks"])) == (2, pks)
