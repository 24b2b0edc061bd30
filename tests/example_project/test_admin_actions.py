"""What the example site's admin of accounts adds to Django's: temporary passwords, typed names."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers]

USERS = "/admin/people/user/"
PASSWORD = re.compile(r"[A-Z2-9]{4}(-[a-z2-9]{4}){4}")
NEW = "Quite-an0ther-one"


def send(office, page, **fields):
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', office.get(page).text).group(1)
    return office.post(page, {"csrfmiddlewaretoken": token, **fields})


def act(office, action, person, **fields):
    return send(office, USERS, action=action, _selected_action=str(person.user_id), **fields)


def state_in(answer):
    return re.search(r'name="state" value="(\w+)"', answer.text).group(1)


@pytest.fixture
def office(admin):
    return admin.log_in()


def test_a_person_without_rights_cannot_give_a_password(person, new_person):
    answer = person.log_in().get(USERS)
    assert (answer.status, answer.location) == (302, f"/admin/login/?next={USERS}")


@pytest.mark.feature("BD-31")
def test_a_temporary_password_leads_to_the_change_and_nowhere_else(office, person, new_visitor):
    """Who logs in with a temporary password can only change it, and then goes on."""
    at_home = person.log_in()
    state = state_in(act(office, "give_temporary_password", person))
    given = act(office, "give_temporary_password", person, state=state)
    password = PASSWORD.search(given.text).group()
    assert "no-store" in given.headers["Cache-Control"]
    assert at_home.get("/security/api/sessions").status == 401
    assert act(office, "give_temporary_password", person, state=state).status == 302

    browser = new_visitor()
    assert person.try_to_log_in(browser, password).status == 302
    assert browser.get("/").location == "/account/password/"
    refused = browser.get("/security/api/sessions")
    assert (refused.status, refused.json()["code"]) == (403, "PASSWORD_CHANGE_REQUIRED")
    change = {"old_password": password, "new_password1": NEW, "new_password2": NEW}
    assert browser.submit("/account/password/", change).location == "/account/"
    assert browser.get("/").status == 200


def test_the_password_is_not_in_the_database(site, office, person):
    state = state_in(act(office, "give_temporary_password", person))
    given = act(office, "give_temporary_password", person, state=state)
    password = PASSWORD.search(given.text).group()
    for file in site.folder.rglob("*"):
        if file.is_file():
            assert password.encode() not in file.read_bytes(), file.name


@pytest.mark.feature("BD-32")
def test_an_account_is_deleted_by_its_address_only(site, office, person):
    """An account is deleted in the admin by typing its address; anything else is a 400."""
    page = f"{USERS}{person.user_id}/delete/"
    stored = ("SELECT count(*) FROM people_user WHERE id = ?", person.user_id)
    assert send(office, page, post="yes", typed_name="p0@example.org").status == 400
    assert act(office, "delete_selected", person, post="yes", typed_name="").status == 400
    assert site.rows(*stored) == [(1,)]
    assert send(office, page, post="yes", typed_name=person.email).status == 302
    assert site.rows(*stored) == [(0,)]
