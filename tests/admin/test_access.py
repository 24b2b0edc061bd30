"""Who may see the page of the keys."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from tests.admin.conftest import JSON, PAGE
from tests.testapp.models import Account

pytestmark = [pytest.mark.feature("BT-27"), pytest.mark.django_db]
both_pages = pytest.mark.parametrize("page", [PAGE, JSON])
both_methods = pytest.mark.parametrize("method", ["get", "post"])


@both_pages
@both_methods
def test_anonymous_visitors_are_sent_to_the_log_in(client, page, method):
    answer = getattr(client, method)(page)
    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")


@both_pages
@both_methods
def test_ordinary_accounts_are_sent_to_the_log_in(client, page, method):
    client.force_login(Account.objects.create_user("someone@example.org", "password"))
    assert getattr(client, method)(page).status_code == 302


@both_pages
@both_methods
def test_staff_without_the_permission_are_refused(staff_client, page, method):
    assert getattr(staff_client, method)(page).status_code == 403


@both_pages
def test_the_permission_on_the_key_table_is_another_one(staff_client, staff, page):
    staff.user_permissions.set(Permission.objects.filter(codename__endswith="_setting"))
    assert staff_client.get(page).status_code == 403


@both_pages
@both_methods
def test_staff_with_the_permission_see_it(key_viewer_client, page, method):
    assert getattr(key_viewer_client, method)(page).status_code == 200


@both_pages
@both_methods
def test_superusers_see_it(admin_client, page, method):
    assert getattr(admin_client, method)(page).status_code == 200


@both_pages
def test_a_post_without_csrf_token_is_refused(admin_user, page):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(page).status_code == 403


def test_a_post_with_the_token_of_the_page_counts(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    token = client.get(PAGE).context["csrf_token"]
    answer = client.post(PAGE, {"csrfmiddlewaretoken": str(token)})
    assert answer.context["counted"] is not None


@both_pages
@pytest.mark.parametrize("method", ["put", "patch", "delete", "options"])
def test_other_methods_are_refused(admin_client, page, method):
    answer = getattr(admin_client, method)(page)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("rest", ["add/", "_auto_encryption_key/change/", "_key_state/delete/"])
def test_no_row_of_the_key_table_has_a_page(admin_client, rest):
    assert admin_client.get(f"{PAGE}{rest}").status_code == 404


def test_the_key_table_itself_is_not_in_the_admin(admin_client):
    assert admin_client.get("/admin/bt_security/setting/").status_code == 404


def test_the_section_lists_the_page_without_a_way_to_add(key_viewer_client):
    (section,) = key_viewer_client.get("/admin/").context["app_list"]
    assert section["name"] == "Security"
    (entry,) = section["models"]
    assert (entry["name"], entry["admin_url"]) == ("Encryption keys", PAGE)
    assert (entry["add_url"], entry["view_only"]) == (None, True)


def test_staff_without_the_permission_do_not_see_the_section(staff_client):
    assert staff_client.get("/admin/").context["app_list"] == []


@both_pages
def test_answers_are_not_kept_by_browsers(admin_client, page):
    assert "no-store" in admin_client.get(page)["Cache-Control"]
