"""The example site in a process of its own, and people who visit it."""

from __future__ import annotations

import itertools
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from tests.example_project.serve_site import PASSWORD
from tests.example_project.visitor import Answer, Visitor
from tests.source_tree import ROOT

NUMBERS = itertools.count(1)
PEOPLE = itertools.count(1)
ADMINS = itertools.count(1)


@dataclass
class Site:
    """A served copy of the example site."""

    base: str
    folder: Path

    def rows(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(self.folder / "bills.sqlite3", timeout=30)
        try:
            with database:
                return database.execute(statement, params).fetchall()
        finally:
            database.close()

    def mails_to(self, address: str) -> list[str]:
        """Return the text of every mail to `address`, the oldest first."""
        texts = []
        for file in sorted((self.folder / "mail").glob("*.log")):
            for part in re.split(rb"\n-{79}\n", file.read_bytes()):
                mail = message_from_bytes(part.lstrip())
                if mail["To"] == address:
                    text = mail.get_payload(0) if mail.is_multipart() else mail
                    texts.append(text.get_payload(decode=True).decode())
        return texts

    def link_to(self, address: str) -> str:
        """Return the path of the link in the last mail to `address`."""
        mail = self.mails_to(address)[-1]
        return re.search(r"http://[^/\s]+(/\S+)", mail).group(1)


@dataclass
class Person:
    """Somebody with an account."""

    number: int
    email: str
    new_visitor: Callable[[], Visitor]
    password: str = PASSWORD
    user_id: int = 0
    bill: int = 0
    bank: int = 0

    def log_in(self, visitor: Visitor | None = None) -> Visitor:
        """Log in at the site's page, with a client of its own."""
        visitor = visitor or self.new_visitor()
        answer = self.try_to_log_in(visitor)
        assert answer.status == 302, answer.text
        return visitor

    def try_to_log_in(self, visitor: Visitor, password: str = "", query: str = "") -> Answer:
        fields = {"username": self.email, "password": password or self.password}
        return visitor.submit(f"/account/log-in/{query}", fields)


def environment_of(folder: Path, **changes: str) -> dict[str, str]:
    """Return the environment of a process that works on the site in `folder`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TOKEN_", "BT_TEST_"))
    }
    return {
        **kept,
        "EXAMPLE_VAR": str(folder),
        "DJANGO_SETTINGS_MODULE": "tests.example_project.site_settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "example_project")]),
        "EXAMPLE_MAIL": "files",
        "TRUST_PROXY": "1",
        **changes,
    }


@pytest.fixture(scope="session")
def start_site(tmp_path_factory) -> Iterator[Callable[..., Site]]:
    """Give a function that serves a new copy of the site, with more environment if wanted."""
    started = []

    def start(**changes: str) -> Site:
        folder = tmp_path_factory.mktemp("site")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.example_project.serve_site", str(port)],
                env=environment_of(folder, **changes),
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
            )
        started.append(process)
        site = Site(f"http://127.0.0.1:{port}", folder)
        _wait_for(site, process)
        return site

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=30)


def _wait_for(site: Site, process: subprocess.Popen[bytes]) -> None:
    for _ in range(900):
        assert process.poll() is None, (site.folder / "log").read_text()
        try:
            urllib.request.urlopen(f"{site.base}/static/site.css", timeout=5).close()
        except URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError((site.folder / "log").read_text())


@pytest.fixture(scope="session")
def site(start_site) -> Site:
    return start_site()


@pytest.fixture
def visitor_of() -> Callable[[Site], Visitor]:
    """Give a function that makes a client from an address that nobody used before."""

    def visit(site: Site) -> Visitor:
        number = next(NUMBERS)
        return Visitor(site.base, f"198.18.{number // 250}.{number % 250 + 1}")

    return visit


@pytest.fixture
def new_visitor(site, visitor_of) -> Callable[[], Visitor]:
    return lambda: visitor_of(site)


@pytest.fixture
def visitor(new_visitor) -> Visitor:
    return new_visitor()


@pytest.fixture
def new_person(site, new_visitor) -> Callable[[], Person]:
    """Give a function that names an account of the site which no test has used."""

    def person() -> Person:
        number = next(PEOPLE)
        user_id = number + 1  # the first account is the example's own
        ((bill,),) = site.rows("SELECT id FROM tracker_bill WHERE owner_id = ?", user_id)
        ((bank,),) = site.rows("SELECT id FROM tracker_bankconnection WHERE owner_id = ?", user_id)
        email = f"p{number}@example.org"
        return Person(number, email, new_visitor, user_id=user_id, bill=bill, bank=bank)

    return person


@pytest.fixture
def person(new_person) -> Person:
    return new_person()


@pytest.fixture
def admin(new_visitor) -> Person:
    number = next(ADMINS)
    return Person(number, f"a{number}@example.org", new_visitor)
