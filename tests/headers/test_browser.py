"""What a browser makes of the headers."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth import get_user_model
from selenium.webdriver.common.by import By

from bt_security.headers import default_policy
from bt_security.models import CspReport
from tests.browser import press

pytestmark = [pytest.mark.once, pytest.mark.browser]

PATIENCE_SECONDS = 20


def written(driver):
    return driver.find_element(By.ID, "written").text


def refusals(driver):
    return [entry["message"] for entry in driver.get_log("browser") if "Policy" in entry["message"]]


def test_only_a_script_with_the_nonce_runs(site, start_server, shared_browser):
    driver, url = shared_browser, start_server()
    driver.get(f"{url}/page")
    assert written(driver) == "by the script"
    paragraph = driver.find_element(By.ID, "written")
    assert paragraph.value_of_css_property("color") == "rgba(1, 2, 3, 1)"
    (message,) = refusals(driver)
    assert "inline script" in message


def test_a_browser_that_only_reports_is_counted(site, start_server, shared_browser):
    site.BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS = True
    for name, value in default_policy(report_only=True).items():
        setattr(site, name, value)
    driver, url = shared_browser, start_server()
    driver.get(f"{url}/page")
    assert written(driver) == "by a script without a nonce"
    row = wait_for_report()
    assert (row.directive, row.blocked, row.page) == ("script-src-elem", "inline", "/page")
    assert (row.disposition, row.count) == ("report", 1)


def wait_for_report():
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if row := CspReport.objects.first():
            return row
        time.sleep(0.05)
    raise AssertionError("the browser sent no report")


ADMIN_PAGES = [
    "/admin/",
    "/admin/bt_security/",
    "/admin/password_change/",
    "/admin/auth/group/",
    "/admin/auth/group/add/",
]


@pytest.mark.feature("TK-45")
def test_djangos_admin_breaks_no_rule_of_the_policy(site, start_server, shared_browser):
    """Django's admin works under the strict policy without one violation."""
    for name, value in default_policy(report_only=False).items():
        setattr(site, name, value)
    get_user_model().objects.create_superuser("root@example.com", "word")
    driver, url = shared_browser, start_server()
    driver.get(f"{url}/admin/")
    driver.find_element(By.NAME, "username").send_keys("root@example.com")
    driver.find_element(By.NAME, "password").send_keys("word")
    press(driver, driver.find_element(By.CSS_SELECTOR, "[type=submit]"))
    for page in ADMIN_PAGES:
        driver.get(f"{url}{page}")
        assert driver.find_element(By.ID, "user-tools")
    assert refusals(driver) == []
