"""Serves the site by the settings of a day, and does what a visitor does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.error import HTTPError
from urllib.request import urlopen

from selenium.webdriver.common.by import By

from tests.browser import press
from tests.source_tree import ROOT

PACKAGE = "tests.presets.upgrade_site"
PASSWORD = "Kept-by-alice-4711"


class Site:
    """One database and one port, served by the settings of a day."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://localhost:{self.port}/"
        self.database = folder / "site.sqlite3"

    def manage(self, day, *command, stdin=""):
        subprocess.run(
            [sys.executable, "-m", "django", *command],
            env=self.environment(day),
            cwd=ROOT,
            check=True,
            input=stdin,
            text=True,
            capture_output=True,
        )

    @contextmanager
    def served(self, day):
        command = [sys.executable, "-m", f"{PACKAGE}.serve", str(self.port)]
        server = subprocess.Popen(
            command, env=self.environment(day), cwd=ROOT, stderr=subprocess.DEVNULL
        )
        try:
            self.wait_for(server)
            yield
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)

    def wait_for(self, server):
        deadline = monotonic() + 60
        while server.poll() is None and monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            sleep(0.05)
        raise AssertionError("the server did not start")

    def environment(self, day):
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"{PACKAGE}.{day}",
            "BT_TEST_UPGRADE_DATABASE": str(self.database),
        }


def log_in(driver, site):
    driver.get(f"{site.url}log-in")
    driver.find_element(By.NAME, "username").send_keys("alice")
    driver.find_element(By.NAME, "password").send_keys(PASSWORD)
    press(driver, driver.find_element(By.TAG_NAME, "button"))
    assert who(driver) == "alice"


def who(driver):
    return driver.find_element(By.ID, "who").text


def notes(driver):
    return [item.text for item in driver.find_elements(By.TAG_NAME, "li")]


def add_note(driver, text):
    driver.find_element(By.NAME, "note").send_keys(text)
    press(driver, driver.find_element(By.TAG_NAME, "button"))


def cookies(driver):
    """What the browser keeps, without the times at which a cookie ends."""
    parts = ("value", "path", "domain", "secure", "httpOnly", "sameSite")
    return {each["name"]: {part: each.get(part) for part in parts} for each in driver.get_cookies()}


def headers_of(url):
    try:
        with urlopen(url) as answer:
            return answer.headers
    except HTTPError as error:
        return error.headers
