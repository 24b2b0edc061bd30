"""An empty key table, an environment without keys, a clock that can be put forward."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bt_security import keys
from bt_security.fields import sealing
from bt_security.models import Setting
from tests.source_tree import ROOT

OPERATOR = "operator-key-of-these-tests-0123456789"
SECOND = "second-operator-key-of-these-tests-abc"
VARIABLES = ("TOKEN_ENCRYPTION_KEY", "TOKEN_ENCRYPTION_KEY_PREVIOUS")


def key_rows() -> dict[str, str]:
    return dict(Setting.vault.values_list("name", "value"))


def configure(current: str = "", *previous: str) -> None:
    """Start over with these keys, as a restarted process would."""
    for name, value in zip(VARIABLES, (current, ",".join(previous)), strict=True):
        os.environ.pop(name, None)
        if value:
            os.environ[name] = value
    keys.forget()


@pytest.fixture(autouse=True)
def _no_keys() -> Iterator[None]:
    configure()
    yield
    configure()


@pytest.fixture
def key_table(transactional_db: None) -> Iterator[None]:
    """The empty table, and nothing left in it for the tests that follow."""
    Setting.vault.all().delete()
    keys.forget()
    yield
    configure()
    Setting.vault.all().delete()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Put the monotonic clock forward by seconds."""
    real, ahead = time.monotonic, [0.0]

    def monotonic() -> float:
        return real() + ahead[0]

    monkeypatch.setattr(time, "monotonic", monotonic)
    monkeypatch.setattr(sealing, "monotonic", monotonic)

    def put_forward(seconds: float) -> None:
        ahead[0] += seconds

    return put_forward


class Child:
    """A process of its own that works on the databases of this run: see `child.py`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.keys.child"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, action: str, *arguments: object) -> None:
        self.process.stdin.write(json.dumps([action, *arguments]) + "\n")
        self.process.stdin.flush()

    def answer(self) -> object:
        return json.loads(self.process.stdout.readline())

    def ask(self, action: str, *arguments: object) -> object:
        self.tell(action, *arguments)
        return self.answer()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


@pytest.fixture
def start(child_environment: dict[str, str]) -> Iterator[Callable[..., Child]]:
    """Start a process with these environment variables; it has loaded Django when returned."""
    with ExitStack() as stack:

        def start_one(**variables: str) -> Child:
            child = Child({**child_environment, **variables})
            stack.callback(child.end)
            return child

        yield start_one
