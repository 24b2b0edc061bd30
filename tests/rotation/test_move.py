"""From the database key to an operator key: none, migrating, done, and what is forged then."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import connection, connections, models
from django.test.utils import isolate_apps

from bt_security import keys
from bt_security.exceptions import KeyRefused, OpenRefused, RetiredKey
from bt_security.keys import store
from bt_security.keys.state import write_state
from bt_security.rotation.inventory import find_orphans, refresh_inventory
from bt_security.rotation.run import Choice, rotate
from bt_security.rotation.target import finish_move, retire_database_key
from tests.rotation.conftest import (
    NEW,
    OLD,
    key_rows,
    key_variables,
    manage,
    move_begun,
    phase,
    prefix_of,
    prefixes,
    put,
    rotate_keys,
    texts,
    use_keys,
)
from tests.testapp.models import Note

pytestmark = pytest.mark.usefixtures("site")


def sealed_note(body="x"):
    note = Note.objects.create(body=body)
    return note, texts(Note, "body")[note.pk]


@pytest.fixture
def forged():
    """A site that is done, and a text that is sealed under its database key."""
    note, text = sealed_note("forged")
    note.delete()
    Note.objects.create(body="real")
    move_begun(OLD)
    assert (rotate_keys().code, phase()) == (0, "done")
    planted = Note.objects.create(body="placeholder")
    put(Note, "body", text, id=planted.pk)
    return planted, text


@pytest.mark.parametrize("option", [(), ("--online",)])
@pytest.mark.feature("BT-26")
def test_a_forged_database_key_value_never_becomes_an_operator_key_value(forged, option):
    """Once the move to the operator key is done, a forged value of the database key opens
    nowhere."""
    planted, text = forged
    outcome = rotate_keys("--skip-errors", *option)
    assert outcome.code == 3
    assert f"testapp.Note.body (primary key {planted.pk}): RetiredKey" in outcome.err
    assert texts(Note, "body")[planted.pk] == text


def test_a_forged_value_aborts_rotation_and_is_named(forged):
    planted, _ = forged
    use_keys(NEW, OLD)
    before = texts(Note, "body")
    outcome = rotate_keys()
    assert outcome.code == 1
    assert f"testapp.Note.body (primary key {planted.pk}): RetiredKey" in outcome.err
    assert texts(Note, "body") == before


def test_a_forged_value_opens_neither_now_nor_after_restart_nor_after_rotation(forged):
    planted, _ = forged
    for prepare in (lambda: None, keys.forget, lambda: rotate_keys("--skip-errors")):
        prepare()
        with pytest.raises(RetiredKey):
            Note.objects.get(pk=planted.pk).body  # noqa: B018 - reading raises


def test_a_forged_value_stays_through_a_key_change(forged):
    planted, text = forged
    use_keys(NEW, OLD)
    assert rotate_keys("--skip-errors").code == 3
    use_keys(NEW)
    assert texts(Note, "body")[planted.pk] == text
    assert phase() == "done"
    with pytest.raises(RetiredKey):
        Note.objects.get(pk=planted.pk).body  # noqa: B018 - reading raises


@pytest.mark.parametrize("option", [(), ("--online",)])
def test_from_database_key_opens_late_values_once_more(forged, option):
    planted, _ = forged
    assert rotate_keys("--from-database-key", *option).code == 0
    assert Note.objects.get(pk=planted.pk).body == "forged"
    assert phase() == "done"


def test_from_database_key_yields_to_the_setting(forged, settings):
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    keys.forget()
    before = texts(Note, "body")
    outcome = rotate_keys("--from-database-key")
    assert outcome.code == 1
    assert "BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY" in outcome.err
    assert texts(Note, "body") == before


def test_without_accepting_the_database_key_its_values_abort(settings):
    sealed_note()
    before = texts(Note, "body")
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    use_keys(OLD)
    outcome = rotate_keys()
    assert outcome.code == 1
    assert "RetiredKey" in outcome.err
    assert texts(Note, "body") == before
    assert store.KEY_STATE not in key_rows()


def test_the_database_key_is_not_retired_before_the_move():
    sealed_note()
    for variables in ((), (OLD,)):
        use_keys(*variables)
        outcome = rotate_keys("--retire-database-key")
        assert outcome.code == 1
        assert "still in use" in outcome.err
    assert store.DATABASE_KEY in key_rows()


def test_the_database_key_is_not_retired_while_values_move():
    sealed_note()
    move_begun(OLD)
    assert rotate_keys("--retire-database-key").code == 1


def test_the_database_key_is_not_retired_while_a_value_of_it_is_there(forged):
    outcome = rotate_keys("--retire-database-key")
    assert outcome.code == 1
    assert "key_status" in outcome.err
    assert store.DATABASE_KEY in key_rows()


def test_the_database_key_is_retired_when_nothing_needs_it(forged):
    planted, _ = forged
    planted.delete()
    outcome = rotate_keys("--retire-database-key")
    assert (outcome.code, outcome.out) == (0, "1 database key(s) deleted.\n")
    assert store.DATABASE_KEY not in key_rows()
    keys.forget()
    assert Note.objects.get().body == "real"
    assert retire_database_key() == 0


def test_the_move_waits_until_every_process_has_noticed():
    sealed_note()
    use_keys(OLD)
    started = time.monotonic()
    report = rotate(Choice(), settle_seconds=1.0)
    assert time.monotonic() - started >= 0.9
    assert report.phase == phase() == "done"
    assert report.seconds < 0.9


def test_the_move_is_not_closed_before_its_time_without_waiting():
    sealed_note()
    use_keys(OLD)
    write_state("migrating", keys.reload().operator_key, since=datetime.now(UTC))
    rotate_keys("--model", "testapp.Note")
    assert finish_move(wait=False) == phase() == "migrating"


def test_nothing_is_closed_without_an_operator_key():
    assert finish_move() == ""


def test_a_part_leaves_the_move_open():
    sealed_note()
    move_begun(OLD)
    outcome = rotate_keys("--model", "testapp.Note")
    assert (outcome.code, phase()) == (0, "migrating")
    assert "run rotate_keys again" in outcome.out


def test_database_key_values_that_come_after_the_commit_are_caught():
    _, text = sealed_note("straggler")
    Note.objects.all().delete()
    Note.objects.create(body="early")
    use_keys(OLD)
    late = []

    def straggle(rows):
        if not late:
            late.append(Note.objects.create(body="late"))
            put(Note, "body", text, id=late[0].pk)

    write_state("migrating", keys.reload().operator_key, since=datetime.now(UTC))
    rotate(Choice(online=True), tick=straggle, settle_seconds=0.1)
    assert prefixes(Note, "body") == {prefix_of(OLD)}
    assert Note.objects.get(pk=late[0].pk).body == "straggler"
    assert phase() == "done"


@pytest.mark.parametrize(("opens", "expected"), [(True, "done"), (False, "migrating")])
def test_database_key_values_that_come_during_the_wait_are_caught(opens, expected):
    note, text = sealed_note("straggler")
    text = text if opens else "e1:00000000:" + text[12:]
    use_keys(OLD)

    def straggle():
        put(Note, "body", text, id=note.pk)
        connections.close_all()

    late = threading.Timer(1.0, straggle)
    late.start()
    report = rotate(Choice(), settle_seconds=3.0)
    late.join()
    assert report.phase == phase() == expected
    assert report.is_complete is opens
    assert texts(Note, "body")[note.pk][:3] == ("e2:" if opens else "e1:")


@pytest.mark.heavy
def test_values_sealed_by_another_process_until_the_end_are_caught(start, run):
    """The writer has the operator key and goes on under the database key until it notices."""
    note, _ = sealed_note("0")
    writer = start(
        "tests.rotation.writer", "/dev/null", str(note.pk), keys=key_variables(OLD), stdin=-1
    )
    time.sleep(1.5)
    outcome = run("rotate_keys", "--yes", keys=key_variables(OLD))
    assert outcome.code == 0, outcome.err
    _, err = writer.communicate(timeout=30)
    assert writer.returncode == 0, err
    use_keys(OLD)
    assert phase() == "done"
    assert prefixes(Note, "body") == {prefix_of(OLD)}
    assert Note.objects.get().body.isdigit()


class Orphan:
    """A table whose model is not installed any more."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def __enter__(self):
        with isolate_apps("tests.testapp"):

            class Leftover(models.Model):
                secret = models.TextField(null=True)
                number = models.IntegerField(default=1)

                class Meta:
                    app_label = "testapp"

        self.model = Leftover
        with connection.schema_editor() as editor:
            editor.create_model(Leftover)
        if self.text:
            Leftover.objects.create(secret=self.text)
        refresh_inventory()
        listed = store.read([store.SEALED_COLUMNS])[store.SEALED_COLUMNS]
        entries = ", ".join(
            f'["default", "testapp_leftover", "{column}"]'
            for column in ("secret", "number", "no_such_column")
        )
        store.write(
            store.SEALED_COLUMNS,
            f'[{entries}, ["default", "no_such_table", "x"], {listed[1:]}',
        )
        return self

    def __exit__(self, *_):
        with connection.schema_editor() as editor:
            editor.delete_model(self.model)


@pytest.mark.parametrize("option", [(), ("--online",)])
def test_a_sealed_table_without_a_model_keeps_the_move_open(option):
    _, text = sealed_note()
    with Orphan(text):
        move_begun(OLD)
        outcome = rotate_keys(*option)
        assert outcome.code == 3
        assert "default: testapp_leftover.secret: sealed values, but no installed" in outcome.err
        assert (phase(), finish_move()) == ("migrating", "migrating")
        assert rotate_keys("--retire-database-key").code == 1
        assert manage("key_status", "--fail-on-old").code == 1


def test_the_database_key_is_not_retired_while_a_table_has_no_model():
    _, text = sealed_note()
    move_begun(OLD)
    assert rotate_keys().code == 0
    with Orphan(text), pytest.raises(KeyRefused, match="testapp_leftover"):
        retire_database_key()


def test_a_table_without_sealed_values_and_without_model_is_taken_off_the_list():
    with Orphan("plain"):
        assert find_orphans() == []
        refresh_inventory()
        assert "leftover" not in key_rows()[store.SEALED_COLUMNS]


def test_a_database_that_is_not_configured_any_more_keeps_the_keys():
    store.write(store.SEALED_COLUMNS, '[["gone", "some_table", "secret"]]')
    assert refresh_inventory() == ["gone: some_table.secret"]


def test_no_other_error_than_ours_comes_from_a_forged_value(forged):
    planted, _ = forged
    with pytest.raises(OpenRefused):
        Note.objects.get(pk=planted.pk).body  # noqa: B018 - reading raises
