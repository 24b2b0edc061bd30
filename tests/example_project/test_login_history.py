"""The account pages of the package in the example site: history, alerts, privacy and log-in."""

from __future__ import annotations

import re
import time

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers]

HISTORY = "/security/account/login-history/"
PRIVACY = "/security/account/privacy/"
NOT_ME = "/security/account/not-me/"
LOG_IN = "/security/account/login/"
FRAME = '<a class="name" href="/">Bill tracker</a>'
GOOD = "Corr3ct-horse"


def is_logged_in(visitor):
    return visitor.get("/security/api/sessions").status == 200


def alert_to(site, person):
    """Return the path of the link in the mail about a log-in; it is sent after the answer."""
    for _ in range(50):
        mails = [mail for mail in site.mails_to(person.email) if NOT_ME in mail]
        if mails:
            return re.search(rf"{NOT_ME}\?token=\S+", mails[-1]).group()
        time.sleep(0.1)
    raise AssertionError("no mail")


@pytest.mark.parametrize("page", [HISTORY, f"{HISTORY}summary/", PRIVACY])
def test_a_page_stands_in_the_frame_of_the_site(person, page):
    answer = person.log_in().get(page)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert FRAME in answer.text
    assert answer.text.count("<h1>") == 1


def test_strangers_log_in_first(visitor):
    assert visitor.get(HISTORY).location == f"/account/log-in/?next={HISTORY}"


def test_the_history_has_the_owners_log_ins_alone(new_person):
    person, other = new_person(), new_person()
    other.log_in()
    person.try_to_log_in(person.new_visitor(), "wrong")
    browser = person.log_in()
    found = browser.get("/security/api/profile/login-history").json()["events"]
    assert [event["outcome"] for event in found] == ["success", "failure"]
    assert found[0]["ip_address"] == browser.address
    assert found[0]["session"]["is_current"]
    assert browser.address in browser.get(HISTORY).text


def test_no_address_and_no_unknown_name_is_readable_in_the_database(site, visitor, person):
    person.try_to_log_in(visitor, "wrong")
    visitor.submit("/account/log-in/", {"username": "canary@example.org", "password": "wrong"})
    stored = str(site.rows("SELECT * FROM bt_security_login_event"))
    assert visitor.address not in stored
    assert "canary" not in stored


def test_a_first_log_in_is_news_to_nobody(site, person):
    person.log_in()
    assert site.mails_to(person.email) == []


def test_the_link_of_an_alert_ends_the_strangers_session(site, person, visitor):
    person.log_in()
    thief = person.log_in()
    link = alert_to(site, person)
    page = visitor.get(link)
    assert FRAME in page.text
    assert is_logged_in(thief)
    assert visitor.post(NOT_ME, page.fields(NOT_ME)).location == f"{NOT_ME}done/"
    assert not is_logged_in(thief)
    assert visitor.get(link).status == 400


def test_after_that_the_password_is_changed_before_anything_else(site, person, visitor):
    person.log_in()
    person.log_in()
    link = alert_to(site, person)
    visitor.post(NOT_ME, visitor.get(link).fields(NOT_ME))
    browser = person.log_in()
    assert browser.get("/").location == "/account/password/"
    form = {"old_password": person.password, "new_password1": GOOD, "new_password2": GOOD}
    assert browser.submit("/account/password/", form).location == "/account/"
    assert browser.get("/").status == 200


def test_a_choice_about_places_is_kept(person):
    browser = person.log_in()
    assert browser.get("/security/api/profile/settings").json() == {"geolocation_enabled": False}
    form = browser.get(PRIVACY).fields()
    wanted = {**form, "geolocation_enabled": "on", "action": "save"}
    assert browser.post(PRIVACY, wanted).location == PRIVACY
    assert browser.get("/security/api/profile/settings").json() == {"geolocation_enabled": True}


def test_the_log_in_page_of_the_package_works_next_to_the_sites_own(person, visitor):
    assert FRAME in visitor.get(LOG_IN).text
    form = {"username": person.email, "password": person.password}
    assert visitor.submit(LOG_IN, form).location == "/"
    assert is_logged_in(visitor)


def test_a_program_logs_in_by_json(person, visitor):
    token = visitor.get("/security/api/auth/csrf-token").json()["csrf_token"]
    form = {"username": person.email, "password": "wrong"}
    api = "/security/api/auth/login"
    refused = visitor.post(api, form, X_CSRF_Token=token)
    assert (refused.status, refused.json()["code"]) == (401, "INVALID_CREDENTIALS")
    answer = visitor.post(api, {**form, "password": person.password}, X_CSRF_Token=token)
    assert answer.json()["username"] == person.email
    assert is_logged_in(visitor)
