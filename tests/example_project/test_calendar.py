"""The calendar feed, which a program opens without a log-in."""

from __future__ import annotations

import re

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers]


def new_address(browser):
    shown = browser.submit("/calendar/", {}).text
    return re.search(r"http://[^/]+(/calendar/\w+\.ics)", shown).group(1)


@pytest.mark.feature("BT-76")
def test_a_new_address_makes_the_old_one_worthless(site, person, visitor):
    """The address of a feed is a credential: a new one makes the old one 404; none is stored."""
    browser = person.log_in()
    old = new_address(browser)
    assert visitor.get(old).status == 200
    new = new_address(browser)
    assert visitor.get(old).status == 404
    feed = visitor.get(new)
    assert feed.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert "SUMMARY:les Escaldes" in feed.text
    secret = new.rpartition("/")[2].removesuffix(".ics")
    assert secret.encode() not in (site.folder / "bills.sqlite3").read_bytes()


def test_opening_the_page_makes_no_address(person):
    browser = person.log_in()
    assert "Make the address" in browser.get("/calendar/").text
    assert "Make the address" in browser.get("/calendar/").text


@pytest.mark.parametrize("token", ["x", "btf_" + "a" * 49])
def test_a_guessed_address_is_not_found(visitor, token):
    assert visitor.get(f"/calendar/{token}.ics").status == 404
