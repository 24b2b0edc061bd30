"""Work in the thread that waits for nobody."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
import time

import pytest
from django.db import connection, connections

from bt_security import geo
from bt_security.geo import later
from bt_security.models import Setting

once = pytest.mark.once
left = contextvars.ContextVar("left", default="")


class Gate:
    """A job that begins and then waits until a test lets it go on."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> None:
        self.has_begun.set()
        assert self.may_end.wait(10)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.may_end.set()


@pytest.fixture
def busy(gate):
    """The thread of the process, at work until `gate` lets it go on."""
    assert geo.run_later(gate)
    assert gate.has_begun.wait(10)
    return gate


def geo_threads():
    return [thread for thread in threading.enumerate() if thread.name == "bt-security-geo"]


@once
def test_jobs_are_done_in_their_order_by_another_thread():
    done, threads = [], set()

    def job(number):
        done.append(number)
        threads.add(threading.current_thread())

    assert all(geo.run_later(job, number) for number in range(50))
    assert geo.drain(10)
    assert done == list(range(50))
    assert threading.current_thread() not in threads


@once
def test_the_caller_waits_for_nothing(busy):
    start = time.monotonic()
    assert geo.run_later(print)
    assert time.monotonic() - start < 1


@once
def test_there_is_one_thread_while_there_is_work_and_none_afterwards(busy):
    for _ in range(20):
        geo.run_later(int)
    assert len(geo_threads()) == 1
    assert geo_threads()[0].daemon
    busy.may_end.set()
    assert geo.drain(10)
    assert geo_threads() == []


@once
def test_draining_without_work_takes_no_time():
    assert geo.drain(0)


@once
def test_draining_ends_in_time(busy):
    start = time.monotonic()
    assert not geo.drain(0.1)
    assert 0.05 < time.monotonic() - start < 2


@once
def test_a_full_queue_drops_jobs_and_says_so_once(busy, settings, caplog):
    settings.BT_SECURITY_GEO_QUEUE_SIZE = 3
    done = []
    taken = [geo.run_later(done.append, number) for number in range(10)]
    assert taken == [True] * 3 + [False] * 7
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    busy.may_end.set()
    assert geo.drain(10)
    assert done == [0, 1, 2]


@once
def test_a_queue_that_was_emptied_takes_jobs_again(busy, gate, settings):
    settings.BT_SECURITY_GEO_QUEUE_SIZE = 1
    assert geo.run_later(int)
    assert not geo.run_later(int)
    busy.may_end.set()
    assert geo.drain(10)
    assert geo.run_later(int)


@once
@pytest.mark.parametrize("error", [ValueError("secret 93.184.216.34"), SystemExit("secret")])
def test_a_job_that_fails_is_a_line_with_its_type_and_stops_no_other(caplog, error):
    done = []

    def fail():
        raise error

    geo.run_later(fail)
    geo.run_later(done.append, 1)
    assert geo.drain(10)
    assert done == [1]
    (record,) = caplog.records
    assert type(error).__name__ in record.getMessage()
    assert (record.exc_info, "secret" in caplog.text) == (None, False)


@once
def test_what_a_job_leaves_in_its_context_is_gone_for_the_next():
    seen = []
    geo.run_later(left.set, "by the first")
    geo.run_later(lambda: seen.append(left.get()))
    assert geo.drain(10)
    assert seen == [""]


@once
def test_where_no_thread_can_be_started_the_job_is_dropped(monkeypatch, caplog):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    done = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert not geo.run_later(done.append, 1)
    assert "no thread can be started" in caplog.text
    assert geo.run_later(done.append, 2)
    assert geo.drain(10)
    assert done == [2]


def test_a_job_reads_and_writes_the_database_and_closes_its_connection(transactional_db):
    opened = []

    def job():
        Setting.objects.create(name="written by a job", value="x")
        opened.append(connections["default"].connection)

    def look():
        opened.append(connections["default"].connection)

    geo.run_later(job)
    geo.run_later(look)
    assert geo.drain(10)
    assert opened[0] is not None
    assert opened[1] is None
    assert Setting.objects.filter(name="written by a job").exists()
    assert connection.connection is not None


@once
def test_a_closed_worker_drops_what_waits_and_takes_no_more(gate, caplog):
    worker, done = later.Worker(), []
    worker.add(gate, limit=9)
    assert gate.has_begun.wait(10)
    worker.add(lambda: done.append(1), limit=9)
    worker.close(0.05)
    assert not worker.add(int, limit=9)
    gate.may_end.set()
    assert worker.drain(10)
    assert done == []
    assert "before 2 look-ups" in caplog.text


@once
def test_a_worker_without_work_closes_silently(caplog):
    later.Worker().close(0)
    assert caplog.records == []


SITE = """
import os, sys, time
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 50,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "bt_security"],
)
django.setup()
from bt_security import geo
"""


def run(program, *, timeout_seconds=30):
    return subprocess.run(
        [sys.executable, "-c", SITE + program],
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=True,
    ).stdout


@once
def test_a_child_of_a_fork_has_a_thread_of_its_own_and_none_of_the_jobs():
    program = """
import threading
began, go_on = threading.Event(), threading.Event()
def hold():
    began.set()
    go_on.wait(20)
def say(whose):
    os.write(1, f"{whose} job in {names[os.getpid()]}\\n".encode())
names = {os.getpid(): "parent"}
geo.run_later(hold)
began.wait(10)
geo.run_later(say, "parent's")
child = os.fork()
if not child:
    names[os.getpid()] = "child"
    geo.run_later(say, "child's")
    os._exit(0 if geo.drain(10) else 1)
assert os.waitpid(child, 0)[1] == 0
go_on.set()
assert geo.drain(10)
"""
    assert run(program).splitlines() == ["child's job in child", "parent's job in parent"]


@once
def test_a_lock_that_is_held_at_a_fork_is_free_in_the_child():
    program = """
from bt_security.geo import later
later._worker._lock.acquire()
child = os.fork()
if not child:
    geo.run_later(int)
    os._exit(0 if geo.drain(10) else 1)
later._worker._lock.release()
assert os.waitpid(child, 0)[1] == 0
"""
    run(program)


@once
def test_what_waits_when_the_process_ends_is_done():
    program = """
def slow(text):
    time.sleep(0.1)
    print(text)
geo.run_later(slow, "one")
geo.run_later(slow, "two")
"""
    assert run(program).split() == ["one", "two"]


@once
def test_a_job_that_hangs_keeps_no_process_from_ending():
    start = time.monotonic()
    run("geo.run_later(time.sleep, 600)")
    assert time.monotonic() - start < 20


@once
def test_after_a_fork_nothing_of_the_parent_waits(busy, monkeypatch):
    monkeypatch.setattr(later, "_worker", later._worker)
    geo.run_later(int)
    later._start_anew()
    assert geo.drain(0)
