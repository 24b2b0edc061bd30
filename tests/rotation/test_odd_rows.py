"""Rows that nobody's fields would write are listed; they end no command with an error of Python."""

from __future__ import annotations

import json

import pytest
from django.db import connection

from bt_security import fields, keys
from bt_security.crypto import aad_tail, sealing_key
from bt_security.exceptions import KeyRefused, Tampered
from bt_security.keys import store
from bt_security.models import Setting
from bt_security.rotation.inventory import find_orphans, forget_database
from tests.rotation.conftest import (
    NEW,
    OLD,
    Extra,
    key_rows,
    manage,
    prefix_of,
    prefixes,
    put,
    rotate_keys,
    texts,
    use_keys,
)
from tests.testapp.models import Legacy, Note, Vault

pytestmark = pytest.mark.usefixtures("operator_site")

NAMES = ["_purpose/x", "_purpose/x/", "_purpose/x/0", "_purpose/x/y", "_purpose/x/1/2", "_purpose/"]
DEEP = "[" * 100_000 + "]" * 100_000


def listed(outcome) -> str:
    assert "Traceback" not in outcome.err
    return outcome.err


@pytest.fixture
def other_row():
    """A value that can be re-sealed."""
    Note.objects.create(body="fine")


@pytest.fixture(params=["junk", "of a key"])
def junk(request):
    if request.param == "junk":
        return "junk"
    return sealing_key("e2", OLD.encode()).wrap(b"x" * 32, tail=aad_tail("elsewhere"))


@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_is_no_purpose_key_is_listed(name, junk, other_row):
    Setting.vault.create(name=name, value=junk)
    use_keys(NEW, OLD)
    outcome = rotate_keys()
    assert (outcome.code, prefixes(Note, "body")) == (1, {prefix_of(OLD)})
    assert f"bt_security.Setting.value (primary key {name})" in listed(outcome)
    outcome = rotate_keys("--skip-errors")
    assert (outcome.code, prefixes(Note, "body")) == (3, {prefix_of(NEW)})
    assert f"bt_security.Setting.value (primary key {name})" in listed(outcome)
    assert key_rows()[name] == junk


def test_a_row_that_is_no_purpose_key_goes_with_its_row(other_row):
    Setting.vault.create(name="_purpose/x", value="junk")
    use_keys(NEW, OLD)
    assert rotate_keys("--skip-errors").code == 3
    Setting.vault.filter(name="_purpose/x").delete()
    assert rotate_keys().code == 0
    assert manage("key_status", "--fail-on-old").code == 0


@pytest.mark.once  # the other databases refuse such a text
@pytest.mark.parametrize("options", [("--verify",), ("--skip-errors",), ("--online",)])
def test_a_bound_column_that_holds_no_value_of_its_type_is_listed(options, other_row):
    Vault.objects.create(secret=1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_vault SET id = 'no identifier'")
    use_keys(NEW, OLD)
    outcome = rotate_keys(*options)
    assert outcome.code == 3
    assert "testapp.Vault.secret (primary key no identifier): Tampered" in listed(outcome)


@pytest.mark.once  # the other databases refuse such a text
def test_a_bound_column_that_holds_no_value_of_its_type_aborts_the_default_way():
    Vault.objects.create(secret=1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_vault SET id = 'no identifier'")
    use_keys(NEW, OLD)
    outcome = rotate_keys()
    assert outcome.code == 1
    assert "testapp.Vault.secret (primary key no identifier): Tampered" in listed(outcome)


@pytest.fixture
def plain_json(site_apps):
    """Put a text into a JSON column that is being moved from plaintext."""
    with Extra(content=fields.EncryptedJSONField(allow_plaintext=True, null=True)) as model:
        row = model.objects.create(content=None)

        def store_text(text):
            put(model, "content", text, id=row.pk)
            return model

        yield store_text


@pytest.mark.parametrize("options", [(), ("--skip-errors",), ("--online",), ("--verify",)])
def test_json_that_is_nested_too_deep_is_listed(options, plain_json):
    plain_json(DEEP)
    outcome = rotate_keys(*options)
    assert outcome.code == (3 if options else 1)
    assert "testapp.Extra.content (primary key 1): Tampered" in listed(outcome)


@pytest.mark.parametrize("options", [(), ("--skip-errors",), ("--online",)])
def test_json_that_opens_and_cannot_be_stored_is_listed(options, plain_json):
    plain_json('["\\ud800"]')
    outcome = rotate_keys(*options)
    assert outcome.code == (3 if options else 1)
    assert "testapp.Extra.content (primary key 1): Tampered" in listed(outcome)


def test_json_that_is_nested_too_deep_breaks_no_list(plain_json):
    (found,) = plain_json(DEEP).objects.all()
    with pytest.raises(Tampered):
        found.content  # noqa: B018 - reading raises


def test_a_list_of_columns_that_is_nested_deep_counts_as_damaged(other_row):
    store.write(store.SEALED_COLUMNS, DEEP)
    assert find_orphans() == []
    assert rotate_keys().code == 0


# A database that is not configured any more.


@pytest.fixture
def ghost(other_row):
    known = [["ghost", "t", "c"], ["ghost", "t", "d"], ["other", "testapp_note", "body"]]
    store.write(store.SEALED_COLUMNS, json.dumps(known))


def test_columns_of_an_unknown_database_keep_the_old_keys(ghost):
    outcome = rotate_keys()
    assert outcome.code == 3
    assert "ghost: t.c" in outcome.err


def test_an_unknown_database_can_be_given_up(ghost):
    outcome = rotate_keys("--forget-database", "ghost")
    assert (outcome.code, outcome.out) == (0, "2 column(s) forgotten.\n")
    assert json.loads(key_rows()[store.SEALED_COLUMNS]) == [["other", "testapp_note", "body"]]
    assert rotate_keys().code == 0


def test_nothing_is_given_up_without_a_confirmation(ghost):
    before = key_rows()
    assert manage("rotate_keys", "--forget-database", "ghost").code == 1
    assert key_rows() == before


def test_a_database_that_is_configured_is_not_given_up(ghost):
    before = key_rows()
    outcome = rotate_keys("--forget-database", "other")
    assert outcome.code == 1
    assert "drop the table" in outcome.err
    assert key_rows() == before
    with pytest.raises(KeyRefused):
        forget_database("default")


def test_a_database_that_was_never_known_has_nothing_to_give_up():
    assert rotate_keys("--forget-database", "nowhere").out == "0 column(s) forgotten.\n"


def test_values_open_after_a_database_was_given_up(ghost):
    rotate_keys("--forget-database", "ghost")
    keys.forget()
    assert Note.objects.get().body == "fine"
    assert len(texts(Note, "body")) == 1
    assert not Legacy.objects.exists()
