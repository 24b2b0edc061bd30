"""SIGKILL while entries are deleted: the log verifies, and the next run finishes the work."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from bt_security import keys
from bt_security.audit.retention import archive
from bt_security.audit.retention.pruning import prune
from bt_security.audit.seals.sealing import seal
from bt_security.audit.verification.verifying import Choice, verify
from bt_security.models import AuditEntry, AuditRetention
from tests.audit._retain import protected, start_clean
from tests.audit.stored_rows import put
from tests.source_tree import ROOT

pytestmark = [pytest.mark.heavy, pytest.mark.django_db(transaction=True)]

ENTRIES = 60


@pytest.fixture(autouse=True)
def fresh_keys(transactional_db):
    """The keys of this database, which the child reads as well; not those of one flushed since."""
    keys.forget()
    yield
    keys.forget()


def kill_at(batch, directory, environment):
    process = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.audit.prune_process",
            datetime.now(UTC).isoformat(),
            str(batch),
            str(directory),
        ],
        cwd=ROOT,
        env=environment,
        timeout=120,
        capture_output=True,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr


def old_entries():
    return AuditEntry.objects.filter(action="test.done").count()


@pytest.mark.parametrize("batch", [0, 1, 4, 7])
def test_a_killed_run_leaves_a_log_that_verifies(log, child_environment, tmp_path, batch):
    start_clean()
    put(*range(100, 100 + ENTRIES // 2), *range(200, 200 + ENTRIES // 2))
    seal()
    with protected():
        kill_at(batch, tmp_path, child_environment)
        assert AuditRetention.objects.count() == 1
        assert 0 < old_entries() < ENTRIES
        half = verify(Choice(archive=str(tmp_path)))
        assert not half.is_tampered, half.findings
        (file,) = tmp_path.iterdir()
        assert len(list(archive.read(file))) >= ENTRIES
        left = old_entries()
        assert prune(before=datetime.now(UTC)).finished == left
        verdict = verify(Choice(archive=str(tmp_path)))
    assert old_entries() == 0
    assert not verdict.is_tampered, verdict.findings
