"""An export that is killed, and one whose reader goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from bt_security import keys
from bt_security.audit.recording import MAC_PURPOSE
from bt_security.keys import purpose_keys
from bt_security.models import AuditEntry
from tests.audit._reading_rows import many_entries

pytestmark = pytest.mark.heavy

ROWS = 8_000


@pytest.fixture
def full_log(transactional_db):
    keys.reload()
    purpose_keys(MAC_PURPOSE)
    many_entries(ROWS)
    yield
    AuditEntry.objects.all().delete()


@pytest.fixture
def export(full_log, child_environment):
    """Start an export in a process of its own."""
    started = []

    def start(*arguments, **streams):
        command = [sys.executable, "-m", "tests.audit.export_process", *map(str, arguments)]
        started.append(subprocess.Popen(command, env=child_environment, text=True, **streams))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_an_export_that_is_killed_leaves_no_file_and_its_entry(export, tmp_path):
    file = tmp_path / "log.jsonl"
    process = export("--output", file)
    while not os.listdir(tmp_path):
        assert process.poll() is None
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not file.exists()
    assert AuditEntry.objects.filter(action="audit.exported").count() == 1


def test_the_next_export_is_complete(export, tmp_path):
    file = tmp_path / "log.jsonl"
    assert export("--output", file).wait() == 0
    ids = [json.loads(line)["id"] for line in file.read_text().splitlines()]
    assert len(ids) == ROWS
    assert ids == sorted(ids)


def test_a_reader_that_stops_early_gets_no_traceback(export):
    process = export(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert json.loads(process.stdout.readline())["action"] == "user.login"
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
    assert said.endswith("whoever reads the output has stopped\n")
    assert "Traceback" not in said
