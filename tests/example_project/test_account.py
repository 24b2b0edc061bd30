"""Log-in, log-out and the account page of the example site, with several browsers of one person."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers]

GOOD = "Corr3ct-horse"
API = ["GET sessions", "POST sessions/revoke-others", "POST auth/logout", "GET devices"]
API += ["DELETE sessions/00000000-0000-0000-0000-000000000000"]


def is_logged_in(visitor):
    return visitor.get("/security/api/sessions").status == 200


def token_of(visitor):
    return visitor.get("/security/api/auth/csrf-token").json()["csrf_token"]


@pytest.mark.feature("TC-12")
@pytest.mark.parametrize("endpoint", API)
def test_an_anonymous_client_gets_401_and_no_redirect(visitor, endpoint):
    """An endpoint that needs a log-in answers an anonymous client 401 as JSON, without Location."""
    method, path = endpoint.split()
    answer = visitor.send(method, f"/security/api/{path}", X_CSRF_Token=token_of(visitor))
    assert (answer.status, answer.location) == (401, None)
    assert answer.json()["code"] == "NOT_AUTHENTICATED"


@pytest.mark.feature("TC-13")
def test_an_anonymous_log_out_is_401(visitor):
    """`POST auth/logout` of an anonymous client is 401, and of a logged-in one ends its session."""
    token = token_of(visitor)
    assert visitor.post("/security/api/auth/logout", {}, X_CSRF_Token=token).status == 401


def test_a_log_out_ends_the_session_for_good(person):
    browser = person.log_in()
    copy = browser.copy()
    assert is_logged_in(copy)
    action = "/account/log-out/"
    assert browser.submit("/account/", {}, action=action).location == "/account/log-in/"
    assert not is_logged_in(copy)


@pytest.mark.feature("BD-34")
@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_log_in_goes_on_to_no_other_site(person, visitor, target):
    """After the log-in, a `next` that leads to another site is replaced by the start page."""
    answer = person.try_to_log_in(visitor, query=f"?next={target}")
    assert (answer.status, answer.location) == (302, "/")


def test_an_administrator_goes_on_to_the_admin(admin, visitor):
    assert admin.try_to_log_in(visitor).location == "/admin/"


def test_a_log_in_goes_on_to_the_page_that_was_asked_for(person, visitor):
    answer = person.try_to_log_in(visitor, query="?next=/banks/")
    assert (answer.status, answer.location) == (302, "/banks/")


def sessions_of(visitor):
    return re.findall(r"/account/sessions/([0-9a-f-]{36})/end/", visitor.get("/account/").text)


def test_one_session_is_ended_from_another(person):
    here, there = person.log_in(), person.log_in()
    (other,) = sessions_of(here)
    assert here.submit("/account/", {}, action=f"/account/sessions/{other}/end/").status == 302
    assert not is_logged_in(there)
    assert is_logged_in(here)


def test_all_other_sessions_are_ended_at_once(person):
    here, there, elsewhere = person.log_in(), person.log_in(), person.log_in()
    assert here.submit("/account/", {}, action="/account/sessions/others/end/").status == 302
    assert [is_logged_in(one) for one in (here, there, elsewhere)] == [True, False, False]


def test_somebody_elses_session_is_not_found(new_person):
    victim = new_person()
    theirs, _ = victim.log_in(), victim.log_in()
    (session,) = sessions_of(theirs)
    attacker = new_person().log_in()
    token = attacker.get("/account/").fields("/account/log-out/")
    assert attacker.post(f"/account/sessions/{session}/end/", token).status == 404
    assert is_logged_in(theirs)


def test_a_known_browser_is_listed_and_forgotten(person):
    browser = person.log_in()
    (device,) = re.findall(
        r"/account/devices/([0-9a-f-]{36})/forget/", browser.get("/account/").text
    )
    action = f"/account/devices/{device}/forget/"
    assert browser.submit("/account/", {}, action=action).status == 302
    assert "None yet." in browser.get("/account/").text


def test_somebody_elses_browser_is_not_found(new_person):
    theirs = new_person().log_in()
    (device,) = re.findall(
        r"/account/devices/([0-9a-f-]{36})/forget/", theirs.get("/account/").text
    )
    attacker = new_person().log_in()
    token = attacker.get("/account/").fields("/account/log-out/")
    assert attacker.post(f"/account/devices/{device}/forget/", token).status == 404
    assert "None yet." not in theirs.get("/account/").text


def test_a_changed_password_ends_the_other_sessions_and_keeps_this_one(person):
    here, there = person.log_in(), person.log_in()
    form = {"old_password": person.password, "new_password1": GOOD, "new_password2": GOOD}
    assert here.submit("/account/password/", form).status == 302
    assert is_logged_in(here)
    assert not is_logged_in(there)


@pytest.mark.feature("BT-35")
@pytest.mark.parametrize("change", [{"is_staff": "on"}, {"is_active": ""}], ids=["role", "off"])
def test_a_changed_role_and_a_deactivation_end_the_session(person, admin, change):
    """After a role change or deactivation in the admin, the other browser gets 401 next."""
    theirs = person.log_in()
    office = admin.log_in()
    page = f"/admin/people/user/{person.user_id}/change/"
    form = {"email": person.email, "is_active": "on", **change}
    assert office.submit(page, {name: value for name, value in form.items() if value}).status == 302
    answer = theirs.get("/security/api/sessions")
    assert (answer.status, answer.location) == (401, None)
