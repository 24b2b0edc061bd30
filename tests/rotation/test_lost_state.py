"""The row of the state is deleted: nobody gets to choose the key that seals from then on."""

from __future__ import annotations

import base64
import logging

import pytest
from django.db import connection

from bt_security import keys
from bt_security.crypto import aad_tail, sealing_key
from bt_security.exceptions import KeyRefused, RetiredKey
from bt_security.keys import store
from bt_security.keys.state import write_state
from bt_security.models import Setting
from bt_security.rotation.first_start import reseal_at_first_start
from bt_security.signals import security_event
from tests.rotation.conftest import (
    NEW,
    OLD,
    key_rows,
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
from tests.testapp.models import Legacy, Note

pytestmark = pytest.mark.usefixtures("site")

CHOSEN = bytes(range(48))
PLANTED = sealing_key("e1", CHOSEN)
BODY = Note._meta.get_field("body")


@pytest.fixture
def moved():
    """A site that is done, with a value of its operator key."""
    Note.objects.create(body="real")
    move_begun(OLD)
    assert (rotate_keys().code, phase()) == (0, "done")


def delete_state():
    Setting.vault.filter(name=store.KEY_STATE).delete()


def plant_key():
    Setting.vault.filter(name__startswith=store.DATABASE_KEY).delete()
    text = base64.b64encode(CHOSEN).decode()
    Setting.vault.create(name=store.DATABASE_KEY, value=text)


def plant_value(key=PLANTED):
    note = Note.objects.create(body=None)
    put(Note, "body", key.seal(b"forged", tail=aad_tail(BODY.context)), id=note.pk)
    return note


@pytest.fixture
def attacked(moved):
    """The state deleted, a key and a value under it planted, and a process that starts then."""
    delete_state()
    plant_key()
    note = plant_value()
    use_keys(OLD)
    return note


def test_nothing_is_sealed_under_a_planted_key(attacked):
    with pytest.raises(KeyRefused, match="--from-database-key"):
        Note.objects.create(body="new")
    assert prefixes(Note, "body") == {prefix_of(OLD), PLANTED.prefix}


def test_a_value_under_a_planted_key_does_not_open(attacked):
    with pytest.raises(RetiredKey):
        Note.objects.get(pk=attacked.pk).body  # noqa: B018 - reading raises


def test_values_of_the_operator_key_open_all_the_same(attacked):
    assert Note.objects.exclude(pk=attacked.pk).get().body == "real"


@pytest.mark.parametrize("options", [(), ("--online",), ("--skip-errors",), ("--verify",)])
def test_rotation_turns_no_planted_value_into_one_of_the_operator_key(attacked, options):
    before = texts(Note, "body")
    outcome = rotate_keys(*options)
    assert outcome.code == 1
    assert "the row _key_state is missing" in outcome.err
    assert texts(Note, "body") == before
    assert store.KEY_STATE not in key_rows()


def test_the_start_of_the_site_changes_nothing_and_says_why(attacked, caplog):
    before = texts(Note, "body")
    with caplog.at_level(logging.ERROR, logger="bt_security.rotation"):
        reseal_at_first_start()
    assert "the row _key_state is missing" in caplog.text
    assert texts(Note, "body") == before


def test_the_key_status_says_it(attacked):
    outcome = manage("key_status", "--fail-on-old")
    assert outcome.code == 1
    assert "the row _key_state is missing" in outcome.err


@pytest.mark.parametrize("option", [(), ("--online",)])
def test_whoever_trusts_the_values_goes_on(moved, option):
    delete_state()
    note = plant_value(keys.reload().database_keys[0])
    use_keys(OLD)
    assert rotate_keys("--from-database-key", *option).code == 0
    assert phase() == "done"
    assert Note.objects.get(pk=note.pk).body == "forged"


def test_a_state_that_no_value_needs_is_written_again(moved):
    delete_state()
    plant_key()
    use_keys(OLD)
    assert phase() == "done"
    Note.objects.create(body="new")
    assert prefixes(Note, "body") == {prefix_of(OLD)}


def test_who_hears_that_the_state_is_written_again_may_ask_for_the_keys(moved):
    delete_state()
    use_keys(OLD)
    heard = []

    def hear(sender, action, **said):
        heard.append((action, keys.ring().state.phase))

    security_event.connect(hear)
    try:
        assert phase() == "done"
    finally:
        security_event.disconnect(hear)
    assert heard == [("keys.state_restored", "done")]


def test_a_process_with_another_key_writes_no_state(moved):
    delete_state()
    use_keys(NEW)
    with pytest.raises(KeyRefused, match="the row _key_state is missing"):
        Note.objects.create(body="new")
    assert store.KEY_STATE not in key_rows()


def test_a_key_change_is_no_lost_state(moved):
    use_keys(NEW, OLD)
    assert rotate_keys().code == 0
    delete_state()
    use_keys(NEW)
    assert phase() == "done"


def test_a_stored_purpose_key_tells_that_values_have_moved(moved):
    Note.objects.all().delete()
    keys.keyed_digest("api_tokens", b"x")
    delete_state()
    plant_key()
    plant_value()
    use_keys(OLD)
    with pytest.raises(KeyRefused, match="the row _key_state is missing"):
        Note.objects.create(body="new")


def test_a_running_process_does_not_go_back_when_the_state_is_deleted():
    Note.objects.create(body="x")
    move_begun(OLD)
    Note.objects.create(body="y")
    assert prefixes(Note, "body") > {prefix_of(OLD)}
    delete_state()
    with pytest.raises(KeyRefused, match="the row _key_state is missing"):
        keys.reload().sealing_key  # noqa: B018 - raises


def test_before_the_move_an_operator_key_changes_nothing():
    Note.objects.create(body="x")
    use_keys(OLD)
    Note.objects.create(body="y")
    assert {prefix[:3] for prefix in prefixes(Note, "body")} == {"e1:"}


def test_the_beginning_of_a_move_under_a_running_process_is_no_lost_state():
    note = Note.objects.create(body="x")
    use_keys(OLD)
    key = sealing_key("e2", OLD.encode())
    begun = []

    def begin_between(execute, sql, params, many, context):
        if "testapp_note" in sql and not begun:
            begun.append(sql)
            write_state("migrating", key)
            put(Note, "body", key.seal(b"y", tail=aad_tail(BODY.context)), id=note.pk)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(begin_between):
        assert keys.reload().state.phase == "migrating"
    assert begun


def test_plaintext_from_before_is_no_value_of_a_key():
    Legacy.objects.create(token="x")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_legacy SET token = 'e2: the second exit'")
    use_keys(OLD)
    assert keys.ring().sealing_key.version == "e1"


def test_tables_are_looked_at_once_in_a_while(django_assert_num_queries):
    Note.objects.create(body="x")
    use_keys(OLD)
    keys.reload()
    with django_assert_num_queries(1):
        keys.reload()


def test_a_lost_state_too_is_looked_for_once_in_a_while(attacked, django_assert_num_queries):
    assert keys.reload().has_lost_state
    with django_assert_num_queries(2):  # the rows of the keys, and once more before refusing
        assert keys.reload().has_lost_state


def test_a_lost_state_that_is_brought_back_is_believed_at_once(attacked):
    assert keys.reload().has_lost_state
    write_state("done", keys.reload().operator_key)
    assert phase() == "done"
