"""The example site in Chromium: its policy stops nothing that its pages need."""

from __future__ import annotations

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.example_project.test_pages import paths_of

pytestmark = [pytest.mark.once, pytest.mark.servers, pytest.mark.browser]

WAIT_SECONDS = 10
BEFORE = ["/account/log-in/", "/account/forgotten/", "/account/magic/"]
ACCOUNT = [
    "/account/",
    "/account/password/",
    "/security/account/login-history/",
    "/security/account/login-history/summary/",
    "/security/account/privacy/",
    "/security/account/password/",
]


@pytest.fixture
def log_in(site, browser):
    """Give a function that logs a person in with a new browser, by keyboard alone."""

    def start(person):
        driver = browser()
        driver.get(f"{site.base}/account/log-in/")
        driver.find_element(By.NAME, "username").send_keys(person.email)
        driver.find_element(By.NAME, "password").send_keys(f"{person.password}\n")
        WebDriverWait(driver, WAIT_SECONDS).until(lambda d: "/log-in/" not in d.current_url)
        return driver

    return start


def complaints(driver):
    """What the console says, without its hints for developers."""
    found = driver.get_log("browser")
    return [entry["message"] for entry in found if entry["level"] != "DEBUG"]


@pytest.mark.feature("TK-45")
def test_no_page_breaks_the_policy(site, log_in, person):
    """No page of the example site breaks its policy, which allows no inline script or style."""
    driver = log_in(person)
    shown = {}
    for path in [*paths_of(person), *ACCOUNT]:
        if not path.endswith(".csv"):
            driver.get(f"{site.base}{path}")
            shown[path] = complaints(driver)
    assert {path: found for path, found in shown.items() if found} == {}


def test_no_page_of_the_admin_breaks_the_policy(site, log_in, admin, person):
    driver = log_in(admin)
    user = f"people/user/{person.user_id}"
    pages = ["", f"{user}/change/", f"{user}/password/", f"{user}/delete/", "tracker/bill/"]
    for page in pages:
        driver.get(f"{site.base}/admin/{page}")
        # The admin names no icon, so the browser asks for one and finds none.
        assert [text for text in complaints(driver) if "favicon.ico" not in text] == [], page


def test_no_page_before_the_log_in_breaks_the_policy(site, browser):
    driver = browser()
    for path in [*BEFORE, "/security/account/login/"]:
        driver.get(f"{site.base}{path}")
        assert complaints(driver) == [], path


def test_a_bill_is_marked_as_paid_by_a_script(site, log_in, person):
    driver = log_in(person)
    box = driver.find_element(By.CSS_SELECTOR, "input[data-paid]")
    box.click()
    WebDriverWait(driver, WAIT_SECONDS).until(
        lambda d: d.find_elements(By.CSS_SELECTOR, "tr.paid input:enabled")
    )
    ((paid_on,),) = site.rows("SELECT paid_on FROM tracker_bill WHERE id = ?", person.bill)
    assert paid_on
    driver.refresh()
    assert driver.find_element(By.CSS_SELECTOR, "input[data-paid]").is_selected()
    assert complaints(driver) == []
