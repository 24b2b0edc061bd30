"""Key state by configured keys: what seals, what opens, and what the refusals say."""

from __future__ import annotations

from base64 import b64encode

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security import keys
from bt_security.crypto import SealingKey, aad_tail
from bt_security.exceptions import (
    KeyMismatch,
    KeyRefused,
    NotSealed,
    RetiredKey,
    Tampered,
    WrongKey,
)
from bt_security.keys import store
from bt_security.keys.state import open_state, write_state
from bt_security.models import Setting
from tests.keys.conftest import OPERATOR, SECOND, configure, key_rows
from tests.testapp.models import Note
from tests.vectors import files

pytestmark = pytest.mark.usefixtures("key_table")

FIRST_KEY = SealingKey("e2", OPERATOR.encode())
SECOND_KEY = SealingKey("e2", SECOND.encode())
BODY = Note._meta.get_field("body")


def sealed_by(key, plaintext="body"):
    return key.seal(plaintext.encode(), tail=aad_tail(BODY.context))


@pytest.fixture
def database_key():
    """Made at first use, as long as there is no operator key."""
    configure()
    return keys.ring().sealing_key


@pytest.fixture
def migrating(database_key):
    write_state("migrating", FIRST_KEY)
    return database_key


@pytest.fixture
def done(database_key):
    write_state("done", FIRST_KEY)
    return database_key


# The move is done.


@pytest.mark.parametrize("configured", [(OPERATOR,), ("", OPERATOR), (SECOND, OPERATOR)])
def test_after_the_move_a_database_key_value_is_retired(done, configured):
    text = sealed_by(done)
    configure(*configured)
    with pytest.raises(RetiredKey):
        BODY.open_text(text)


def test_after_the_move_a_forged_value_is_retired_after_a_restart_too(done):
    configure(OPERATOR)
    keys.ring()
    Setting.vault.filter(name=store.DATABASE_KEY).delete()
    chosen = bytes(range(48))  # by whoever can write the database
    Setting.vault.create(name=store.DATABASE_KEY, value=b64encode(chosen).decode())
    for _ in range(2):
        with pytest.raises(RetiredKey):
            BODY.open_text(sealed_by(SealingKey("e1", chosen)))
        keys.forget()


def test_after_the_move_a_process_without_key_seals_nothing(done):
    configure()
    with pytest.raises(KeyMismatch, match=r"configured key ids are: none\. Set TOKEN_ENC"):
        Note.objects.create(body="x")


def test_after_the_move_a_process_without_key_opens_nothing(done):
    text = sealed_by(FIRST_KEY)
    configure()
    with pytest.raises(WrongKey):
        BODY.open_text(text)


@pytest.mark.feature("BT-29")
def test_a_wrong_key_is_refused_with_expected_and_configured_ids(done):
    """A start with another key is an error that names the expected and the configured key id."""
    configure(SECOND)
    with pytest.raises(KeyMismatch) as refusal:
        Note.objects.create(body="x")
    assert f"the operator key with id {FIRST_KEY.key_id}" in str(refusal.value)
    assert f"configured key ids are: {SECOND_KEY.key_id}." in str(refusal.value)


@pytest.mark.feature("BT-29")
def test_a_wrong_key_changes_no_row(done):
    """A start with another key changes no row."""
    before = key_rows()
    configure(SECOND)
    with pytest.raises(KeyMismatch):
        Note.objects.create(body="x")
    assert key_rows() == before


def test_a_wrong_key_opens_its_own_values_only(done):
    configure(SECOND)
    assert BODY.open_text(sealed_by(SECOND_KEY)) == "body"
    with pytest.raises(RetiredKey):
        BODY.open_text(sealed_by(done))


def test_after_the_move_a_previous_key_alone_never_seals(done):
    configure("", OPERATOR)
    with pytest.raises(KeyRefused, match="has it only as a previous key, which never seals"):
        Note.objects.create(body="x")


def test_after_the_move_a_previous_key_alone_opens(done):
    configure("", OPERATOR)
    assert BODY.open_text(sealed_by(FIRST_KEY)) == "body"


def test_after_the_move_the_operator_key_seals(done):
    configure(OPERATOR)
    assert keys.ring().sealing_key.prefix == FIRST_KEY.prefix
    assert keys.ring().source == "environment"


def test_after_the_move_a_newer_key_seals_and_the_older_opens(done):
    configure(SECOND, OPERATOR)
    assert keys.ring().sealing_key.prefix == SECOND_KEY.prefix
    assert BODY.open_text(sealed_by(FIRST_KEY)) == "body"


def test_after_the_move_nothing_in_the_database_matters_any_more(done):
    configure(OPERATOR)
    assert keys.ring().is_stable


# While values move.


def test_while_values_move_a_process_without_key_seals_nothing(migrating):
    configure()
    with pytest.raises(KeyMismatch, match=FIRST_KEY.key_id):
        Note.objects.create(body="x")


def test_while_values_move_a_wrong_key_seals_nothing(migrating):
    configure(SECOND)
    with pytest.raises(KeyMismatch, match=SECOND_KEY.key_id):
        Note.objects.create(body="x")


def test_while_values_move_a_wrong_key_opens_no_database_key_value(migrating):
    configure(SECOND)
    with pytest.raises(RetiredKey):
        BODY.open_text(sealed_by(migrating))


def test_while_values_move_both_keys_open(migrating):
    configure(OPERATOR)
    assert BODY.open_text(sealed_by(migrating)) == "body"
    assert BODY.open_text(sealed_by(FIRST_KEY)) == "body"


def test_while_values_move_the_operator_key_seals(migrating):
    configure(OPERATOR)
    assert keys.ring().sealing_key.prefix == FIRST_KEY.prefix


def test_while_values_move_a_process_one_step_behind_seals_under_the_database_key(migrating):
    configure("", OPERATOR)
    assert keys.ring().sealing_key.prefix == migrating.prefix
    assert BODY.open_text(sealed_by(FIRST_KEY)) == "body"


def test_while_values_move_the_database_is_asked_again(migrating):
    configure(OPERATOR)
    assert not keys.ring().is_stable


# Before anything moves.


def test_before_the_move_an_operator_key_does_not_seal_yet(database_key):
    configure(OPERATOR)
    assert keys.ring().sealing_key.prefix == database_key.prefix
    assert keys.ring().source == "database"


def test_before_the_move_an_operator_key_opens_already(database_key):
    configure(OPERATOR)
    assert BODY.open_text(sealed_by(FIRST_KEY)) == "body"


def test_before_the_move_a_previous_key_opens_and_does_not_seal(database_key):
    configure("", OPERATOR)
    assert BODY.open_text(sealed_by(FIRST_KEY)) == "body"
    assert keys.ring().sealing_key.prefix == database_key.prefix


def test_without_any_key_a_foreign_key_does_not_open(database_key):
    with pytest.raises(WrongKey) as refusal:
        BODY.open_text(sealed_by(FIRST_KEY))
    assert refusal.value.key_id == FIRST_KEY.key_id


def test_a_fresh_database_with_an_operator_key_makes_no_database_key():
    configure(OPERATOR)
    assert keys.ring().state.phase == "done"
    assert list(key_rows()) == [store.KEY_STATE]


# BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False


def test_without_acceptance_no_database_key_is_made(settings):
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    keys.forget()
    with pytest.raises(KeyRefused, match="no operator key is configured: set TOKEN_ENCRYPTION"):
        Note.objects.create(body="x")
    assert key_rows() == {}


@pytest.mark.parametrize("state", ["no state", "migrating", "done"])
def test_without_acceptance_a_database_key_value_is_retired(database_key, settings, state):
    if state != "no state":
        write_state(state, FIRST_KEY)
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    configure(OPERATOR)
    with pytest.raises(RetiredKey):
        BODY.open_text(sealed_by(database_key))


@pytest.mark.parametrize("state", ["no state", "migrating", "done"])
def test_without_acceptance_the_operator_key_seals(database_key, settings, state):
    if state != "no state":
        write_state(state, FIRST_KEY)
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    configure(OPERATOR)
    assert keys.ring().sealing_key.prefix == FIRST_KEY.prefix


def test_without_acceptance_a_previous_key_alone_never_seals(database_key, settings):
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    configure("", OPERATOR)
    with pytest.raises(KeyRefused, match="ACCEPT_DATABASE_KEY is False"):
        Note.objects.create(body="x")


@pytest.mark.parametrize(("configured", "source"), [((), "database"), ((SECOND,), "environment")])
def test_a_process_that_may_not_seal_names_the_source_it_would_use(done, configured, source):
    configure(*configured)
    assert keys.ring().source == source


# The state row itself.


@pytest.mark.parametrize("change", ["cut", "flip", "plain", "another row's", "database key's"])
def test_a_changed_state_row_stops_sealing(done, change):
    stored = key_rows()[store.KEY_STATE]
    elsewhere = FIRST_KEY.wrap(b"{}", tail=aad_tail("bt_security.setting._purpose/x/1"))
    forged = {
        "cut": stored[:-4],
        "flip": stored[:20] + ("A" if stored[20] != "A" else "B") + stored[21:],
        "plain": '{"phase": "migrating", "since": "2026-01-01T00:00:00+00:00"}',
        "another row's": elsewhere,
        "database key's": done.wrap(b"{}", tail=aad_tail("bt_security.setting._key_state")),
    }
    Setting.vault.filter(name=store.KEY_STATE).update(value=forged[change])
    configure(OPERATOR)
    with pytest.raises(KeyRefused):
        Note.objects.create(body="x")
    with pytest.raises(RetiredKey):
        BODY.open_text(sealed_by(done))


def test_a_changed_state_row_is_named(done):
    Setting.vault.filter(name=store.KEY_STATE).update(value="changed")
    configure(OPERATOR)
    with pytest.raises(KeyRefused, match="_key_state of bt_security_setting was changed by hand"):
        Note.objects.create(body="x")


def test_a_state_sealed_by_another_operator_is_refused(database_key):
    write_state("migrating", SECOND_KEY)
    configure(OPERATOR)
    with pytest.raises(KeyMismatch, match=f"with id {SECOND_KEY.key_id}"):
        Note.objects.create(body="x")


def test_a_state_under_a_previous_key_is_read(database_key):
    write_state("done", SECOND_KEY)
    configure(OPERATOR, SECOND)
    assert keys.ring().state.phase == "done"


@pytest.mark.parametrize(("text", "refusal"), [("x", NotSealed), (FIRST_KEY.prefix, NotSealed)])
def test_text_that_is_no_state_is_refused(text, refusal):
    with pytest.raises(refusal):
        open_state(text, {FIRST_KEY.prefix: FIRST_KEY})


def test_the_state_does_not_open_as_a_field_value(done):
    configure(OPERATOR)
    with pytest.raises(Tampered):
        BODY.open_text(key_rows()[store.KEY_STATE])


def test_the_state_says_since_when(done):
    configure(OPERATOR)
    assert keys.ring().state.since.tzinfo is not None


# Two keys with one id.


@pytest.mark.parametrize("order", [1, -1])
def test_two_operator_keys_with_one_id_are_refused(order):
    configure(*files.load("keys.json")["collision"][::order])
    with pytest.raises(ImproperlyConfigured, match="two configured keys have the key id"):
        keys.ring()


def test_two_previous_keys_with_one_id_are_refused():
    configure(OPERATOR, *files.load("keys.json")["collision"])
    with pytest.raises(ImproperlyConfigured, match="generate another key"):
        keys.ring()


def test_the_colliding_keys_of_the_vectors_have_one_id():
    ids = {SealingKey("e2", key.encode()).key_id for key in files.load("keys.json")["collision"]}
    assert len(ids) == 1
