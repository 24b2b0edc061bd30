"""A site with logged-in browsers takes a preset: real servers, real browsers, one database."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By

from tests.presets.upgrade_site.browsing import (
    PASSWORD,
    Site,
    add_note,
    cookies,
    headers_of,
    log_in,
    notes,
    who,
)

pytestmark = [pytest.mark.once, pytest.mark.browser, pytest.mark.servers]

MAKE_ALICE = f"""
from django.contrib.auth.models import User
User.objects.create_user("alice", password="{PASSWORD}")
"""
SEND = """
const done = arguments[arguments.length - 1];
const token = document.cookie.split("; ").find(c => c.startsWith("csrftoken=")).slice(10);
const body = new URLSearchParams({note: "by script"});
const headers = {"X-CSRFToken": token};
fetch("/", {method: "POST", headers, body}).then(answer => done(answer.status));
"""


@pytest.fixture
def site(tmp_path):
    found = Site(tmp_path)
    found.manage("plain", "migrate", "--verbosity", "0")
    found.manage("plain", "shell", "--command", MAKE_ALICE)
    return found


def test_adopting_changes_nothing_that_a_logged_in_browser_notices(site, browser):
    driver = browser()
    with site.served("plain"):
        log_in(driver, site)
        before = cookies(driver)
    with site.served("adopted"):
        add_note(driver, "from a form of before")
        assert (who(driver), notes(driver)) == ("alice", ["from a form of before"])
        assert driver.execute_async_script(SEND) == 200
        driver.refresh()
        assert notes(driver) == ["from a form of before", "by script"]
        assert driver.find_element(By.ID, "inline").text == "ran"
        assert cookies(driver) == before
        sent = headers_of(f"{site.url}log-in")
        assert "Content-Security-Policy-Report-Only" in sent
        assert "X-Request-ID" in sent
        assert "Content-Security-Policy" not in sent


def test_a_visitor_logs_in_on_an_adopted_site_as_before(site, browser):
    with site.served("adopted"):
        driver = browser()
        log_in(driver, site)
        kept = cookies(driver)
    assert kept.keys() == {"sessionid", "csrftoken"}
    assert (kept["sessionid"]["sameSite"], kept["csrftoken"]["httpOnly"]) == ("Lax", False)


@pytest.mark.feature("BT-10")
def test_nobody_is_logged_out_by_the_strict_preset(site, browser):
    """A site takes the strict preset, and whoever was logged in stays logged in."""
    driver = browser()
    with site.served("plain"):
        log_in(driver, site)
        add_note(driver, "kept")
        old = cookies(driver)
    site.manage("strict", "migrate", "--verbosity", "0")
    site.manage("strict", "adopt_sessions")
    with site.served("strict"):
        add_note(driver, "from a form of before")
        assert (who(driver), notes(driver)) == ("alice", ["kept", "from a form of before"])
        new = cookies(driver)
        driver.get(site.url)
        assert who(driver) == "alice"
    assert new.keys() == {"bt_session", "bt_csrf_token"}
    assert new["bt_session"]["value"] == old["sessionid"]["value"]
    for cookie in new.values():
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
