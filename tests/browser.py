"""Headless Chromium for tests marked `browser`, and a server with the settings of the test.

A plugin, loaded by `tests/conftest.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

Browser = Callable[[], Chrome]
"""Starts one more browser, with cookies of its own."""

StartServer = Callable[[], str]
"""Starts one more server with the settings in force, and returns its URL."""

PROGRAMS = ("chromium", "chromedriver")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1200,900",
)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """Give a factory of browsers, each with an empty profile; all are closed after the test."""
    started: list[Chrome] = []

    def start() -> Chrome:
        started.append(_chrome(profile=tmp_path / f"profile-{len(started)}"))
        return started[-1]

    yield start
    for driver in started:
        driver.quit()


@pytest.fixture(scope="session")
def _shared_chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    driver = _chrome(profile=tmp_path_factory.mktemp("shared-profile"))
    yield driver
    driver.quit()


@pytest.fixture
def shared_browser(_shared_chrome: Chrome) -> Iterator[Chrome]:
    """Give the one browser of this run, without cookies: quicker, where a test needs only one."""
    _shared_chrome.execute_cdp_cmd("Network.clearBrowserCookies", {})
    yield _shared_chrome
    _shared_chrome.get("about:blank")
    _shared_chrome.get_log("browser")


@pytest.fixture
def start_server(transactional_db: None) -> Iterator[StartServer]:
    """Give a factory of servers; `live_server` keeps the MIDDLEWARE that the first test had."""
    started: list[LiveServer] = []

    def start() -> str:
        started.append(LiveServer("localhost"))
        return str(started[-1].url)

    yield start
    for server in started:
        server.stop()


def _chrome(*, profile: Path) -> Chrome:
    binary, driver = (shutil.which(name) for name in PROGRAMS)
    if binary is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = ChromeOptions()
    options.binary_location = binary
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return Chrome(options=options, service=Service(driver))


def press(driver, button):
    """Press a button that leads to another page, and wait until that is there."""
    button.click()
    wait = WebDriverWait(driver, 30)
    wait.until(staleness_of(button))
    wait.until(lambda driver: driver.execute_script("return document.readyState") == "complete")
