"""Links in mails: nothing happens before the button of the page that they open."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

from tests.example_project.conftest import environment_of
from tests.source_tree import ROOT

pytestmark = [pytest.mark.once, pytest.mark.servers]

GOOD = "Corr3ct-horse"
WEAK = "password1"
GUESTS = itertools.count(1)


@pytest.fixture
def reset_link(site, person, new_visitor):
    new_visitor().submit("/account/forgotten/", {"email": person.email.upper()})
    return site.link_to(person.email)


def open_link(visitor, link, fields=None):
    """Open the page of a link and press its button."""
    path = link.partition("?")[0]
    return visitor.post(path, {**visitor.get(link).fields(path), **(fields or {})})


def new_password(password):
    return {"new_password1": password, "new_password2": password}


@pytest.mark.feature("TK-35")
def test_a_reset_refuses_a_weak_password_and_keeps_the_link(person, reset_link, visitor):
    """A password reset refuses a weak password, and the link stays good for a better one."""
    refused = open_link(visitor, reset_link, new_password(WEAK))
    assert "This password must contain" in refused.text
    assert open_link(visitor, reset_link, new_password(GOOD)).location == "/account/log-in/"
    assert person.try_to_log_in(visitor, GOOD).status == 302


def test_a_reset_link_works_once(reset_link, visitor):
    open_link(visitor, reset_link, new_password(GOOD))
    assert visitor.get(reset_link).status == 400


def test_opening_a_reset_link_changes_nothing(person, reset_link, visitor):
    assert [visitor.get(reset_link).status for _ in range(3)] == [200] * 3
    assert person.try_to_log_in(visitor).status == 302


@pytest.mark.feature("BT-35")
def test_a_reset_ends_the_session_of_the_other_browser(person, reset_link, visitor):
    """After a password reset, the other browser's next request gets 401."""
    theirs = person.log_in()
    open_link(visitor, reset_link, new_password(GOOD))
    answer = theirs.get("/security/api/sessions")
    assert (answer.status, answer.location) == (401, None)


def test_a_link_is_good_on_its_own_page_only(reset_link, visitor):
    query = reset_link.partition("?")[2]
    for page in ("magic/open", "verify/open", "sign-up"):
        assert visitor.get(f"/account/{page}/?{query}").status == 400


def test_an_unknown_address_gets_the_same_answer(site, person, visitor):
    answers = []
    for address in (person.email, "nobody@example.org"):
        form = {"email": address}
        assert visitor.submit("/account/forgotten/", form).location == "/account/log-in/"
        answers.append("If the address has an account" in visitor.get("/account/log-in/").text)
    assert answers == [True, True]
    assert site.mails_to("nobody@example.org") == []


def test_the_fourth_reset_mail_is_refused(person, visitor):
    asked = [visitor.submit("/account/forgotten/", {"email": person.email}) for _ in range(4)]
    assert [answer.status for answer in asked] == [302, 302, 302, 429]


def test_a_magic_link_logs_in_the_browser_that_asked(site, person, visitor):
    visitor.submit("/account/magic/", {"email": person.email})
    link = site.link_to(person.email)
    assert visitor.stranger().get(link).status == 400
    assert visitor.get("/").status == 302
    assert open_link(visitor, link).location == "/"
    assert visitor.get("/").status == 200
    assert visitor.get(link).status == 400


def test_an_address_is_confirmed_by_its_link(site, person):
    browser = person.log_in()
    browser.submit("/account/", {}, action="/account/verify/")
    assert open_link(browser, site.link_to(person.email)).location == "/account/"
    shown = browser.get("/account/").text
    assert '<span class="badge">confirmed</span>' in shown


@pytest.fixture
def guest(site):
    """Somebody who was invited, and the link in the invitation."""
    address = f"guest{next(GUESTS)}@example.org"
    subprocess.run(
        [sys.executable, "example_project/manage.py", "invite", address],
        env=environment_of(site.folder),
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    return address, site.link_to(address)


def passwords(password):
    return {"password1": password, "password2": password}


@pytest.mark.feature("TK-35")
def test_signing_up_needs_an_invitation_and_a_good_password(guest, visitor):
    """Registration by invitation refuses a weak password, and takes a good one once."""
    _, link = guest
    assert "This password must contain" in open_link(visitor, link, passwords(WEAK)).text
    assert open_link(visitor, link, passwords(GOOD)).location == "/"
    assert "No bill yet" in visitor.get("/").text
    assert visitor.stranger().get(link).status == 400
    assert visitor.stranger().get("/account/sign-up/").status == 400


def test_an_invited_account_has_the_invited_address(site, guest, visitor):
    address, link = guest
    open_link(visitor, link, {**passwords(GOOD), "email": "other@example.org", "is_staff": "on"})
    shown = visitor.get("/account/").text
    assert address in shown
    assert "other@example.org" not in shown
    assert visitor.get("/admin/").status == 302
