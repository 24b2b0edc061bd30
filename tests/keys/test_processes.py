"""Several real processes on one database."""

from __future__ import annotations

import base64
import time

import pytest

from bt_security import keys
from bt_security.keys import store
from bt_security.models import Setting
from tests.keys.conftest import OPERATOR, SECOND, configure, key_rows
from tests.testapp.models import Note

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("key_table")]

PROCESSES = 8
OTHER_KEY = base64.b64encode(bytes(range(48))).decode()


@pytest.fixture
def crowd(start):
    children = [start() for _ in range(PROCESSES)]
    assert {child.ask("ping") for child in children} == {"ready"}
    return children


def all_at_once(children, action, *names):
    for child, name in zip(children, names or "." * len(children), strict=True):
        child.tell(action, name)
    answers = [child.answer() for child in children]
    assert not any(isinstance(answer, list) for answer in answers), answers  # refusals
    return answers


@pytest.mark.feature("BT-20")
def test_processes_that_race_make_one_database_key(crowd):
    """Processes that race on an empty database end with one and the same key."""
    all_at_once(crowd, "seal", *"abcdefgh")
    assert list(key_rows()) == [store.DATABASE_KEY]
    assert len(base64.b64decode(key_rows()[store.DATABASE_KEY])) == 48


@pytest.mark.feature("BT-20")
def test_what_racing_processes_sealed_opens_in_all_of_them(crowd):
    """What racing processes seal at their first start opens in all of them."""
    all_at_once(crowd, "seal", *"abcdefgh")
    expected = {name: f"body of {name}" for name in "abcdefgh"}
    assert [child.ask("read") for child in crowd] == [expected] * PROCESSES


@pytest.mark.postgres
@pytest.mark.mysql
def test_what_racing_processes_sealed_opens_when_half_of_them_rolled_back(crowd):
    for child, name in zip(crowd, "abcdefgh", strict=True):
        child.tell("seal_and_roll_back" if name in "aceg" else "seal", name)
    for child in crowd:
        child.answer()
    assert crowd[0].ask("read") == {name: f"body of {name}" for name in "bdfh"}


def test_processes_that_race_make_one_purpose_key(crowd):
    assert len(set(all_at_once(crowd, "digest", *["api_tokens"] * PROCESSES))) == 1
    assert sorted(key_rows()) == [store.DATABASE_KEY, "_purpose/api_tokens/1"]


def test_processes_with_an_operator_key_that_race_agree_on_the_state(start):
    children = [start(TOKEN_ENCRYPTION_KEY=OPERATOR) for _ in range(3)]
    assert {child.ask("ping") for child in children} == {"ready"}
    all_at_once(children, "seal", *"abc")
    assert list(key_rows()) == [store.KEY_STATE]
    assert children[0].ask("read") == {name: f"body of {name}" for name in "abc"}


@pytest.mark.feature("BT-29")
def test_a_process_with_another_operator_key_touches_nothing(start):
    """A process that starts with another key than the data's touches nothing."""
    configure(OPERATOR)
    Note.objects.create(body="x")
    before = key_rows()
    refusal, message = start(TOKEN_ENCRYPTION_KEY=SECOND).ask("seal", "a")
    assert refusal == "KeyMismatch"
    assert keys.ring().sealing_key.key_id in message
    assert key_rows() == before


def test_a_restored_key_is_used_and_the_former_one_goes_on_opening(start):
    child = start()
    child.ask("seal", "before")
    former = child.ask("prefix")
    Setting.vault.filter(name=store.DATABASE_KEY).update(value=OTHER_KEY)
    child.ask("seal", "in between")
    keys.forget()
    wait_for(lambda: child.ask("prefix") != former)
    child.ask("seal", "after")
    assert child.ask("read") == {name: f"body of {name}" for name in NAMES}
    assert key_rows()[store.DATABASE_KEY] == OTHER_KEY


def test_a_process_started_after_the_restore_opens_what_others_sealed_meanwhile(start):
    child = start()
    child.ask("seal", "before")
    former = child.ask("prefix")
    Setting.vault.filter(name=store.DATABASE_KEY).update(value=OTHER_KEY)
    child.ask("seal", "in between")
    wait_for(lambda: child.ask("prefix") != former)
    child.ask("seal", "after")
    assert start().ask("read") == {name: f"body of {name}" for name in NAMES}


def test_a_restored_database_without_the_key_gets_it_back_from_a_running_process(start):
    child = start()
    child.ask("seal", "before")
    before = key_rows()
    Setting.vault.filter(name=store.DATABASE_KEY).delete()
    wait_for(lambda: child.ask("prefix") and key_rows() == before)


def test_a_new_process_makes_no_key_while_values_of_the_lost_one_exist(start):
    start().ask("seal", "before")
    Setting.vault.filter(name=store.DATABASE_KEY).delete()
    child = start()
    refusal, message = child.ask("seal", "a")
    assert (refusal, key_rows()) == ("KeyRefused", {})
    assert message.startswith("the row _auto_encryption_key is missing")


NAMES = ("before", "in between", "after")


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
