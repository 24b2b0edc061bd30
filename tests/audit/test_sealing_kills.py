"""SIGKILL while the log is sealed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from bt_security.audit.seals import anchors, sealing
from bt_security.models import AuditSeal
from tests.audit.stored_rows import judge_log, made_row, put
from tests.source_tree import ROOT

pytestmark = [pytest.mark.heavy, pytest.mark.django_db(transaction=True)]

ENTRIES = 1_500
LIMIT = 5
KILLS = 20 if os.environ.get("BT_TEST_SCALE") == "full" else 3
CHILD = f"""
import django
django.setup()
from bt_security.audit.seals import sealing
sealing.seal(limit={LIMIT})
"""


@pytest.fixture
def anchor_file(tmp_path, settings):
    file = tmp_path / "anchors.jsonl"
    settings.BT_SECURITY_AUDIT_ANCHOR_FILE = str(file)
    return file


def kill_at(seals, environment):
    """Kill a process that seals once the log has so many seals."""
    process = subprocess.Popen([sys.executable, "-c", CHILD], cwd=ROOT, env=environment)
    try:
        while AuditSeal.objects.count() < seals:
            assert process.poll() is None, "it ended before its time"
            time.sleep(0.001)
    finally:
        os.kill(process.pid, signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL


def test_a_log_whose_sealing_was_killed_is_whole_and_goes_on(child_environment, anchor_file):
    put(*range(1, 2 * ENTRIES, 2))
    made_row()  # the keys of the child are there before it starts
    for number in range(KILLS):
        kill_at(AuditSeal.objects.count() + 1 + number, child_environment)
        put(2 * number + 2)
    assert 0 < AuditSeal.objects.count() < ENTRIES // LIMIT
    sealing.seal()
    judge_log()
    assert [anchor.seq for anchor in anchors.read(anchor_file)] == list(
        AuditSeal.objects.order_by("seq").values_list("seq", flat=True)
    )
