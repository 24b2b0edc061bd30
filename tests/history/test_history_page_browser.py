"""The pages of the own log-ins in a browser, under the policy that allows nothing inline."""

from __future__ import annotations

import pytest
from django.utils import timezone
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from bt_security.headers import strict_policy
from tests.browser import press
from tests.history.conftest import make_user
from tests.history.reading import (
    CITY,
    FEATURES,
    PAGE,
    SUMMARY,
    browser,
    full,
    session_of,
    site,
    stored,
)

__all__ = ["site"]

pytestmark = [pytest.mark.once, pytest.mark.browser]


@pytest.fixture
def driver(site, start_server, shared_browser):
    """A browser in which somebody is logged in, under the strict policy."""
    site.BT_SECURITY_FEATURES = [*FEATURES, "headers"]
    site.CONTENT_SECURITY_POLICY = strict_policy()
    url = start_server()
    user = make_user("mary")
    client = browser(user)
    name = site.SESSION_COOKIE_NAME
    shared_browser.get(f"{url}/log-in/")
    shared_browser.add_cookie({"name": name, "value": client.cookies[name].value})
    shared_browser.get_log("browser")
    shared_browser.url, shared_browser.user = url, user
    return shared_browser


def complaints(driver):
    found = driver.get_log("browser")
    return [entry["message"] for entry in found if "favicon" not in entry["message"]]


def colour(driver, css, name="color"):
    return driver.find_element(By.CSS_SELECTOR, css).value_of_css_property(name)


def test_the_pages_break_no_rule_of_the_policy_and_have_their_colours(driver):
    full(driver.user, timezone.now())
    for path, css in ((PAGE, ".bt-badge.bt-good"), (SUMMARY, ".bt-chart rect")):
        driver.get(f"{driver.url}{path}")
        name = "fill" if path == SUMMARY else "color"
        assert colour(driver, css, name) in ("rgba(31, 111, 67, 1)", "rgb(31, 111, 67)")
        assert CITY in driver.find_element(By.TAG_NAME, "main").text
        assert complaints(driver) == []


def test_dark_colours_come_with_the_readers_choice(driver):
    driver.get(f"{driver.url}{PAGE}")
    light = colour(driver, "body", "background-color")
    choice = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", choice)
    try:
        assert light == "rgba(255, 255, 255, 1)"
        assert colour(driver, "body", "background-color") == "rgba(20, 24, 29, 1)"
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_session_is_ended_by_its_button(driver):
    other = browser(driver.user)
    stored(driver.user, session_uuid=session_of(other))
    driver.get(f"{driver.url}{PAGE}?outcome=success")
    press(driver, driver.find_element(By.CSS_SELECTOR, "td form button"))
    assert driver.current_url == f"{driver.url}{PAGE}?outcome=success"
    assert driver.find_element(By.CSS_SELECTOR, "[role=status]").text == "The session is over."
    assert other.get(PAGE).status_code == 302
    assert complaints(driver) == []


def test_the_keyboard_reaches_the_content_first_and_then_everything_in_its_order(driver):
    other = browser(driver.user)
    full(driver.user, timezone.now(), session_uuid=session_of(other))
    driver.get(f"{driver.url}{PAGE}")
    seen = []
    for _ in range(30):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        focused = driver.switch_to.active_element
        seen.append(focused.get_attribute("name") or focused.text or focused.tag_name)
    assert seen[0] == "Skip to the content"
    fields = [name for name in seen if name in ("outcome", "since", "device", "ip_address")]
    assert list(dict.fromkeys(fields)) == ["outcome", "since", "device", "ip_address"]
    assert "End session" in seen
