"""Two processes one step apart at every stage of a key change read each other's values."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.rotation.conftest import (
    NEW,
    OLD,
    key_variables,
    manage,
    phase,
    prefix_of,
    prefixes,
    rotate_keys,
    use_keys,
)
from tests.testapp.models import Note, Person

pytestmark = pytest.mark.heavy

STAGES = {
    "old key only": (OLD,),
    "new key opens": (OLD, NEW),
    "swapped": (NEW, OLD),
    "old key removed": (NEW,),
}


class Host:
    """A running process of a site; it goes on with the keys it was started with."""

    def __init__(self, start, *chosen: str) -> None:
        self._process = start(
            "tests.rotation.host", keys=key_variables(*chosen), stdin=subprocess.PIPE
        )

    def ask(self, *question: object) -> object:
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, self._process.communicate()[1]
        return json.loads(line)

    def write(self, text: str) -> None:
        self.ask("write", text)

    def readings(self) -> set[str]:
        return set(self.ask("read"))

    def finds(self, text: str) -> int:
        return self.ask("find", text)


@pytest.fixture
def host(start):
    return lambda *chosen: Host(start, *chosen)


@pytest.mark.feature("BT-29")
def test_hosts_one_step_apart_read_and_find_every_value(operator_site, host):
    """Two hosts that are one step of a key change apart read and find every value."""
    stages = list(STAGES.values())
    hosts = [host(*stages[0]), host(*stages[0])]
    written = set()

    def exchange():
        for number, one in enumerate(hosts):
            text = f"value {len(written)} of host {number}"
            one.write(text)
            written.add(text)
        for one in hosts:
            assert one.readings() == written
            assert all(one.finds(text) == 1 for text in written)

    exchange()
    for stage in stages[1:]:
        if stage == STAGES["old key removed"]:
            use_keys(*STAGES["swapped"])
            assert rotate_keys("--online").code == 0
            assert manage("key_status", "--fail-on-old").code == 0
        for number in (0, 1):
            hosts[number] = host(*stage)
            exchange()
    assert prefixes(Note, "body") == prefixes(Person, "code") == {prefix_of(NEW)}


def test_old_values_of_a_host_that_lags_are_reported(operator_site, host):
    lagging = host(OLD, NEW)
    use_keys(NEW, OLD)
    assert rotate_keys("--online").code == 0
    lagging.write("late")
    assert manage("key_status", "--fail-on-old").code == 1
    assert rotate_keys("--online").code == 0
    assert manage("key_status", "--fail-on-old").code == 0


def test_hosts_one_step_apart_in_the_move_to_an_operator_key_read_every_value(site, host):
    without = host()
    without.write("without key")
    first = host(OLD)
    first.write("first with key")
    for one in (without, first):
        assert one.readings() == {"without key", "first with key"}
    second = host(OLD)
    second.write("second with key")
    use_keys(OLD)
    assert rotate_keys("--online").code == 0
    assert phase() == "done"
    first.write("after")
    for one in (first, second):
        expected = {"without key", "first with key", "second with key", "after"}
        assert one.readings() == expected
    assert prefixes(Note, "body") == {prefix_of(OLD)}


def test_a_host_without_the_key_refuses_to_seal_once_values_have_moved(site, host):
    without = host()
    without.write("before")
    use_keys(OLD)
    assert rotate_keys("--online").code == 0
    assert without.ask("write", "after") == "KeyMismatch"
    assert prefixes(Note, "body") == {prefix_of(OLD)}
