"""SIGKILL from outside, after the k-th UPDATE was seen by the server."""

from __future__ import annotations

import os
import signal

import pytest
from django.db import connection, transaction

from bt_security import keys
from bt_security.keys import store
from tests.rotation.conftest import (
    IS_FULL,
    NEW,
    OLD,
    THIRD,
    key_variables,
    prefix_of,
    rotate_keys,
    texts,
    use_keys,
)
from tests.rotation.counting_proxy import CountingProxy
from tests.testapp.models import Note

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("site")]

ROWS = 20_000
BATCH = 500
KILLS = 20 if IS_FULL else 3
UPDATE = 'UPDATE "testapp_note"' if connection.vendor != "mysql" else "UPDATE `testapp_note`"
STATEMENTS = ROWS // BATCH if connection.vendor == "postgresql" else ROWS
ROUND = [OLD, NEW, THIRD]


def spread(kills: int) -> list[int]:
    """Numbers of UPDATEs, from the first to the last one."""
    return [1 + (STATEMENTS - 1) * n // max(kills - 1, 1) for n in range(kills)]


class Victim:
    """A `rotate_keys` process that is killed at the k-th UPDATE, or at its COMMIT."""

    def __init__(self, start, *options: str, keys: dict[str, str]) -> None:
        self._start = start
        self._options = ("--yes", "--no-progress", "--batch-size", str(BATCH), *options)
        self._keys = keys
        self.updates = 0

    def kill_at(self, update: int = 0, *, commit: str = "") -> None:
        """Kill after `update` UPDATEs, or "before" or "after" the first COMMIT that follows one."""
        if connection.vendor == "sqlite":
            self._kill_by_pipe(update, commit)
        else:
            self._kill_by_proxy(update, commit)
        with transaction.atomic():
            store.lock()  # the server has rolled back what the victim left open

    def _kill_by_pipe(self, update: int, commit: str) -> None:
        mine, its = os.pipe()
        process = self._start(
            "tests.rotation.traced_command",
            str(its),
            "testapp_note",
            "rotate_keys",
            *self._options,
            keys=self._keys,
            pass_fds=(its,),
        )
        os.close(its)
        with open(mine, "rb", buffering=0) as pipe:
            while not self._is_time(pipe.read(1), update, commit):
                pass
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait(timeout=30) == -signal.SIGKILL
            self.updates += pipe.read().count(b"U")

    def _kill_by_proxy(self, update: int, commit: str) -> None:
        process = None

        def seen(statement: bytes) -> bool:
            mark = b"U"
            if statement == b"COMMIT":
                mark = b"B" if commit == "before" else b"C"
            if mark != b"U" and not self.updates:
                return False
            if not self._is_time(mark, update, commit):
                return False
            os.kill(process.pid, signal.SIGKILL)
            return True

        held = (b"COMMIT",) if commit == "before" else ()
        settings = connection.settings_dict
        address = (settings["HOST"], int(settings["PORT"]))
        proxy = CountingProxy(address, [UPDATE.encode(), b"COMMIT"], seen, held=held)
        url = f"//{settings['USER']}@127.0.0.1:{proxy.port}/{settings['TEST']['NAME'][5:]}"
        process = self._start(
            "django",
            "rotate_keys",
            *self._options,
            keys=self._keys,
            env={
                "BT_TEST_POSTGRES_URL": f"postgres:{url}",
                "BT_TEST_MYSQL_URL": f"mysql:{url}",
                "PGSSLMODE": "disable",
                "PGGSSENCMODE": "disable",
            },
        )
        assert process.wait(timeout=120) == -signal.SIGKILL, process.communicate()
        proxy.close()

    def _is_time(self, mark: bytes, update: int, commit: str) -> bool:
        assert mark, "the victim ended before its time"
        if mark == b"U":
            self.updates += 1
            return self.updates == update
        return mark == {"before": b"B", "after": b"C"}.get(commit)


@pytest.fixture
def bodies():
    made = [Note(body=f"body {number}") for number in range(ROWS)]
    Note.objects.bulk_create(made, batch_size=2000)
    return {note.pk: note.body for note in made}


def counted(prefix: str) -> int:
    return sum(text.startswith(prefix) for text in texts(Note, "body").values())


def all_readable(bodies) -> bool:
    keys.forget()
    return dict(Note.objects.values_list("pk", "body")) == bodies


def next_keys(number: int) -> tuple[str, ...]:
    """The keys of the n-th change: first from the database key to an operator key."""
    if not number:
        return (ROUND[0],)
    return ROUND[number % 3], ROUND[(number - 1) % 3]


@pytest.mark.feature("BT-24")
def test_a_killed_default_run_leaves_all_old(bodies, start):
    """A run that is killed in the middle leaves all values old, and the next one makes all new."""
    before = texts(Note, "body")
    in_mid_write = 0
    for update in spread(KILLS):
        victim = Victim(start, keys=key_variables(OLD))
        victim.kill_at(update)
        in_mid_write += 0 < victim.updates < STATEMENTS
        assert texts(Note, "body") == before
    assert in_mid_write >= KILLS * 0.3
    assert all_readable(bodies)
    use_keys(OLD)
    assert rotate_keys().code == 0
    assert counted(prefix_of(OLD)) == ROWS


@pytest.mark.feature("BT-24")
def test_a_default_run_killed_at_its_commit_leaves_all_old_or_all_new(bodies, start):
    """A run that is killed at its commit leaves all values old or all new, never mixed."""
    Victim(start, keys=key_variables(OLD)).kill_at(commit="before")
    # SQLite has no server that could be kept from getting the COMMIT.
    assert counted("e1:") == ROWS or (connection.vendor == "sqlite" and counted("e2:") == ROWS)
    use_keys(OLD)
    assert all_readable(bodies)


@pytest.mark.feature("BT-24")
def test_a_default_run_killed_after_its_commit_leaves_all_new(bodies, start):
    """A run that is killed after its commit leaves all values new."""
    Victim(start, keys=key_variables(OLD)).kill_at(commit="after")
    assert counted(prefix_of(OLD)) == ROWS
    use_keys(OLD)
    assert all_readable(bodies)
    assert rotate_keys().code == 0


def test_a_killed_online_run_leaves_every_row_readable_and_the_next_one_finishes(bodies, start):
    with_some_rows_written = 0
    for number, update in enumerate(spread(KILLS)):
        chosen = next_keys(number)
        Victim(start, "--online", keys=key_variables(*chosen)).kill_at(update)
        new = counted(prefix_of(chosen[0]))
        with_some_rows_written += 0 < new < ROWS
        use_keys(*chosen)
        assert all_readable(bodies)
        assert rotate_keys("--online").code == 0
        assert counted(prefix_of(chosen[0])) == ROWS
        use_keys(chosen[0])
        assert all_readable(bodies)
    # The first and the last kill may hit before or after everything is written.
    assert with_some_rows_written >= min(KILLS * 0.75, KILLS - 2)
