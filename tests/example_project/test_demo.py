"""`make demo`: the main job on a register of real names, and the site that it serves."""

from __future__ import annotations

import http.cookiejar
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from urllib.error import URLError

import pytest

from example_project import demo
from tests.source_tree import ROOT

pytestmark = pytest.mark.once

DEMO = ROOT / "example_project" / "demo.py"
PAYEES = 500
SEALED = {
    "people_user": ["email"],
    "tracker_bankconnection": ["access_url"],
    "tracker_payee": ["name", "other_name"],
    "tracker_bill": ["customer_number", "note"],
    "tracker_sitesettings": ["smtp_password", "oidc_client_secret"],
}


@pytest.fixture
def environment(tmp_path):
    return environment_in(tmp_path)


def environment_in(folder):
    """An operator key that the demo must not take, and a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BT_TEST_")}
    return {
        **kept,
        "EXAMPLE_VAR": str(folder / "var"),
        "PAYEES": str(PAYEES),
        "TOKEN_ENCRYPTION_KEY": "a key of the shell that the demo leaves alone 0123456789",
        "SERVE": "0",
    }


def run_demo(environment):
    return subprocess.run(
        [sys.executable, str(DEMO)], env=environment, capture_output=True, text=True, timeout=300
    )


def stored(environment) -> list[str]:
    """Every sealed value, as SQLite has it."""
    texts = []
    database = sqlite3.connect(f"{environment['EXAMPLE_VAR']}/bills.sqlite3")
    for table, columns in SEALED.items():
        for column in columns:
            found = database.execute(
                f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
            ).fetchall()
            texts += [text for (text,) in found]
    database.close()
    return texts


def test_every_value_moves_from_the_database_key_to_a_new_operator_key(environment):
    for _ in range(2):  # the second run starts afresh
        done = run_demo(environment)
        assert done.returncode == 0, done.stderr
        before, _, after = done.stdout.partition("2. TOKEN_ENCRYPTION_KEY is set")
        assert f"{PAYEES} payees" in before
        assert re.search(rf"tracker\.Payee\.name +default +e1:[0-9a-f]{{8}}: +{PAYEES}\n", before)
        assert re.search(rf"tracker\.Payee\.name +default +e2:[0-9a-f]{{8}}: +{PAYEES}\n", after)
    texts = stored(environment)
    assert len(texts) > PAYEES
    (prefix,) = {text[:12] for text in texts}
    assert f"All {len(texts)} values are under {prefix} and open with it." in done.stdout


def test_a_step_that_fails_ends_the_demo_with_an_error(environment):
    done = run_demo({**environment, "PAYEES": "no number"})
    assert done.returncode == 1
    assert "The demo failed: manage.py load_example" in done.stderr
    assert "Traceback" not in done.stderr


def unused_port():
    with socket.socket() as probe:
        probe.bind((demo.HOST, 0))
        return probe.getsockname()[1]


def test_a_busy_port_is_named_before_anything_is_done(environment):
    free_port = unused_port()
    with socket.socket() as other:
        other.bind((demo.HOST, free_port))
        other.listen()
        done = run_demo({**environment, "SERVE": "1", "PORT": str(free_port)})
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search(rf"failed: port {free_port} on 127\.0\.0\.1 is not free", done.stderr)


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """The demo in its last step: its address, and the two log-ins that it prints."""
    folder, port = tmp_path_factory.mktemp("demo"), unused_port()
    log = folder / "log"
    variables = {**environment_in(folder), "SERVE": "1", "PORT": str(port), "PAYEES": "30"}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(DEMO)], env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        yield wait_for_the_site(process, log, port)
    finally:
        process.terminate()  # SIGINT is ignored by what a shell starts in the background
        process.wait(timeout=30)


def wait_for_the_site(process, log, port):
    address = f"http://{demo.HOST}:{port}"
    for _ in range(1_800):  # the demo is slow while other tests use the machine
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{address}/admin/login/", timeout=5).close()
        except URLError:
            time.sleep(0.1)
        else:
            shown = log.read_text()
            return address, re.findall(r"log in as +(\S+)\npassword +(\S+)", shown)
    raise AssertionError(log.read_text())


@pytest.mark.servers
def test_the_printed_log_in_opens_the_admin(serving):
    address, (administrator, _) = serving
    page = "/admin/bt_security/encryptionkeys/"
    text = log_in(address, f"/admin/login/?next={page}", *administrator)
    assert "environment (TOKEN_ENCRYPTION_KEY)" in text
    assert administrator[0] in text


@pytest.mark.servers
def test_the_printed_log_in_opens_the_bills(serving):
    address, (_, owner) = serving
    assert "30 open" in log_in(address, "/account/log-in/", *owner)


def log_in(address, page, name, password):
    """Log in as a browser does, and return the page that follows."""
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    browser.open(f"{address}{page}").close()
    token = next(cookie.value for cookie in cookies if "csrf" in cookie.name)
    form = {"username": name, "password": password, "csrfmiddlewaretoken": token}
    with browser.open(f"{address}{page}", urllib.parse.urlencode(form).encode()) as shown:
        return shown.read().decode()


def status(**changes):
    column = {"model": "a.B", "field": "c", "by_prefix": {"e2:00000001:": 7}}
    column |= {"plaintext": 0, "foreign": 0, "unreadable": 0} | changes.pop("column", {})
    good = {"source": "environment", "phase": "done", "sealing_prefix": "e2:00000001:"}
    return {**good, "columns": [column], **changes}


def test_a_site_as_it_should_be_has_no_fault():
    assert demo.what_is_wrong(status(), 7) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"phase": "migrating"}, "the move to the operator key is not done"),
        ({"source": "database"}, "the move to the operator key is not done"),
        ({"column": {"by_prefix": {"e2:00000001:": 6}}}, "6 sealed values in place of 7"),
        (
            {"column": {"by_prefix": {"e2:00000001:": 6, "e1:00000002:": 1}}},
            "1 value(s) of a.B.c are not under the operator key",
        ),
        (
            {"column": {"by_prefix": {"e1:00000002:": 7}}, "sealing_prefix": "e1:00000002:"},
            "7 value(s) of a.B.c are not under the operator key",
        ),
        ({"column": {"plaintext": 2}}, "2 value(s) of a.B.c are not under the operator key"),
        ({"column": {"foreign": 2}}, "2 value(s) of a.B.c are not under the operator key"),
        ({"column": {"unreadable": 2}}, "2 value(s) of a.B.c are not under the operator key"),
    ],
)
def test_each_fault_makes_the_demo_fail(changes, fault):
    assert demo.what_is_wrong(status(**changes), 7) == [fault]


def test_no_value_at_all_is_a_fault():
    assert demo.what_is_wrong(status(columns=[]), 0) == ["0 sealed values in place of 0"]
