"""`rotate_keys` without `--online`: one transaction per database, all or nothing."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from bt_security import keys
from bt_security.keys import store
from bt_security.keys.purpose import new_generation
from bt_security.rotation.inventory import refresh_inventory
from tests.rotation.conftest import (
    NEW,
    OLD,
    THIRD,
    key_rows,
    move_begun,
    phase,
    prefix_of,
    prefixes,
    put,
    rotate_keys,
    texts,
    use_keys,
)
from tests.testapp.models import Note, OwnFields, Person, Wide

pytestmark = pytest.mark.usefixtures("operator_site")


def notes(*bodies):
    return [Note.objects.create(title=body, body=body) for body in bodies]


@pytest.fixture
def one_bad_value():
    """Three notes under the old key, the second one under a key that nobody has."""
    use_keys(THIRD)
    store.rows().delete()
    foreign = Note.objects.create(body="lost")
    lost = texts(Note, "body")[foreign.pk]
    foreign.delete()
    store.rows().delete()
    use_keys(OLD)
    _, bad, _ = notes("one", "two", "three")
    put(Note, "body", lost, id=bad.pk)
    keys.purpose_keys("api_tokens")
    use_keys(NEW, OLD)
    return bad


def test_a_value_that_opens_with_no_key_aborts_and_changes_nothing(one_bad_value):
    refresh_inventory()
    before = texts(Note, "body"), key_rows()
    assert rotate_keys().code == 1
    assert (texts(Note, "body"), key_rows()) == before


@pytest.mark.feature("TK-10")
def test_the_value_that_aborts_is_named_by_model_field_row_and_key(one_bad_value):
    """By default a value that opens with no key aborts the run, and is named by model, field, row
    and key."""
    message = rotate_keys().err
    assert f"testapp.Note.body (primary key {one_bad_value.pk}): WrongKey" in message
    assert f"key id {prefix_of(THIRD)[3:11]}" in message


@pytest.mark.feature("TK-10")
def test_skip_errors_changes_the_others_and_exits_3(one_bad_value):
    """With `--skip-errors` all other values are changed, the bad ones are listed and the status
    is 3."""
    lost = texts(Note, "body")[one_bad_value.pk]
    outcome = rotate_keys("--skip-errors")
    after = texts(Note, "body")
    assert outcome.code == 3
    assert after.pop(one_bad_value.pk) == lost
    assert {text[:12] for text in after.values()} == {prefix_of(NEW)}
    assert f"primary key {one_bad_value.pk}" in outcome.err


@pytest.mark.feature("TK-12")
def test_the_counts_add_up_when_values_are_skipped(one_bad_value):
    """The counts of changed, current and skipped values add up to the total."""
    use_keys(NEW, OLD)
    Note.objects.create(body="already new")
    (column,) = [
        column
        for column in json.loads(rotate_keys("--skip-errors", "--json").out)["columns"]
        if column["column"] == "testapp.Note.body"
    ]
    assert column == {
        "column": "testapp.Note.body",
        "total": 4,
        "migrated": 2,
        "already": 1,
        "failed": 1,
    }


@pytest.mark.parametrize("option", [(), ("--online",)])
def test_a_tampered_value_is_named(option):
    good, bad = notes("one", "two")
    put(Note, "body", texts(Note, "body")[good.pk], id=bad.pk)
    text = texts(Note, "body")[bad.pk]
    put(Note, "body", text[:-6] + ("A" if text[-6] != "A" else "B") + text[-5:], id=bad.pk)
    use_keys(NEW, OLD)
    outcome = rotate_keys("--skip-errors", *option)
    assert outcome.code == 3
    assert f"testapp.Note.body (primary key {bad.pk}): Tampered" in outcome.err


def test_many_bad_values_are_counted_and_the_first_fifty_listed():
    for note in notes(*"abcdefghij" * 6):
        put(Note, "body", "e2:00000000:" + texts(Note, "body")[note.pk][12:], id=note.pk)
    use_keys(NEW, OLD)
    outcome = rotate_keys()
    assert outcome.code == 1
    assert outcome.err.startswith("60 value(s) could not be re-sealed")
    assert outcome.err.count("WrongKey, key id 00000000") == 50
    assert "and 10 more" in outcome.err


def test_another_operator_key_is_refused_before_anything_is_read():
    notes("one")
    before = texts(Note, "body"), key_rows()
    use_keys(NEW)
    outcome = rotate_keys()
    assert outcome.code == 1
    assert prefix_of(OLD)[3:11] in outcome.err
    assert prefix_of(NEW)[3:11] in outcome.err
    assert (texts(Note, "body"), key_rows()) == before


@pytest.mark.feature("TK-08")
def test_identical_keys_change_nothing_and_exit_0():
    """With one and the same key there is nothing to do, and the exit status is 0."""
    notes("one", "two")
    use_keys(OLD, OLD)
    before = texts(Note, "body")
    outcome = rotate_keys("--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["migrated"] == 0
    assert texts(Note, "body") == before


@pytest.mark.feature("TK-11", "BT-25")
def test_a_second_run_changes_no_byte():
    """A second run changes no byte: values of the current key are counted and left."""
    notes("one", "two")
    use_keys(NEW, OLD)
    assert json.loads(rotate_keys("--json").out)["migrated"] == 2
    after = texts(Note, "body")
    again = json.loads(rotate_keys("--json").out)
    assert (again["migrated"], again["rows"]) == (0, 0)
    assert texts(Note, "body") == after


@pytest.mark.feature("TK-12")
def test_the_report_counts_every_column():
    """The report counts the values of every column."""
    Wide.objects.bulk_create(Wide(c01="x", c07="y" if n % 2 else None) for n in range(10))
    use_keys(NEW, OLD)
    report = json.loads(rotate_keys("--json").out)
    counted = {column["column"]: column for column in report["columns"]}
    for column in report["columns"]:
        assert column["total"] == column["migrated"] + column["already"] + column["failed"]
    assert counted["testapp.Wide.c01"]["migrated"] == 10
    assert counted["testapp.Wide.c07"]["migrated"] == 5
    assert (report["rows"], report["migrated"], report["failed"]) == (10, 15, 0)


@pytest.mark.parametrize("option", [(), ("--online",)])
def test_fourteen_columns_are_one_select_and_one_update_a_page(option):
    names = [f"c{number:02}" for number in range(1, 15)]
    Wide.objects.bulk_create(Wide(**{name: name for name in names}) for _ in range(30))
    use_keys(NEW, OLD)
    with CaptureQueriesContext(connection) as queries:
        assert rotate_keys("--batch-size", "10", *option).code == 0
    table = connection.ops.quote_name("testapp_wide")
    updates = [query["sql"] for query in queries if f"UPDATE {table}" in query["sql"]]
    assert len(updates) == 3
    wide = Wide.objects.first()
    assert [getattr(wide, name) for name in names] == names
    for name in names:
        assert prefixes(Wide, name) == {prefix_of(NEW)}


def test_null_stays_null_and_an_empty_text_stays_empty():
    Note.objects.create(body=None)
    Note.objects.create(body="")
    use_keys(NEW, OLD)
    assert rotate_keys().code == 0
    assert list(Note.objects.order_by("pk").values_list("body", flat=True)) == [None, ""]


def test_no_signal_is_sent_and_no_other_column_changes():
    row = OwnFields.objects.create(count=1)
    note = Note.objects.create(title="kept", body="x")
    stamped = row.stamped
    use_keys(NEW, OLD)
    assert rotate_keys().code == 0
    row.refresh_from_db()
    note.refresh_from_db()
    assert (row.stamped, note.title, note.body) == (stamped, "kept", "x")


def test_the_save_signals_are_silent():
    notes("one")
    use_keys(NEW, OLD)
    sent = []

    def listen(sender, **_):
        sent.append(sender)

    for signal in (pre_save, post_save):
        signal.connect(listen)
    try:
        assert rotate_keys().code == 0
    finally:
        for signal in (pre_save, post_save):
            signal.disconnect(listen)
    assert sent == []


@pytest.mark.feature("TK-06")
def test_every_purpose_digest_matches_after_the_old_key_is_gone():
    """Digests of every purpose match after a rotation, with the old key gone."""
    purposes = ["api_tokens", "feed_tokens", "recovery_codes", "trusted_devices", "audit"]
    digests = {purpose: keys.keyed_digest(purpose, b"data") for purpose in purposes}
    new_generation("api_tokens")
    second = keys.keyed_digest("api_tokens", b"data")
    use_keys(NEW, OLD)
    assert json.loads(rotate_keys("--json").out)["purpose_keys"] == len(purposes) + 1
    use_keys(NEW)
    for purpose, digest in digests.items():
        assert digest in keys.keyed_digests(purpose, b"data")
    assert keys.keyed_digests("api_tokens", b"data") == [second, digests["api_tokens"]]
    assert {text[:12] for name, text in key_rows().items() if name.startswith("_purpose/")} == {
        prefix_of(NEW)
    }


@pytest.mark.parametrize("option", [(), ("--online",)])
def test_a_purpose_key_that_does_not_open_is_named(option):
    keys.purpose_keys("api_tokens")
    keys.purpose_keys("feed_tokens")
    row = store.rows().get(name="_purpose/api_tokens/1")
    sealed = row.value
    store.rows().filter(name=row.name).update(value=sealed[:3] + "00000000" + sealed[11:])
    use_keys(NEW, OLD)
    outcome = rotate_keys("--skip-errors", *option)
    assert outcome.code == 3
    assert "_purpose/api_tokens/1): WrongKey, key id 00000000" in outcome.err
    assert key_rows()["_purpose/feed_tokens/1"].startswith(prefix_of(NEW))


def test_a_duplicate_across_two_keys_is_named_by_row():
    Person.objects.create(phone="0123")
    use_keys(NEW, OLD)
    twin = Person(phone="0123")
    twin.save()
    outcome = rotate_keys("--skip-errors")
    assert outcome.code == 3
    assert "testapp.Person.phone (primary key" in outcome.err
    assert "DuplicateValue" in outcome.err
    assert sorted(Person.objects.values_list("phone", flat=True)) == ["0123", "0123"]


def test_the_old_key_can_be_removed():
    notes("one", "two")
    use_keys(NEW, OLD)
    rotate_keys()
    use_keys(NEW)
    assert sorted(Note.objects.values_list("body", flat=True)) == ["one", "two"]
    assert phase() == "done"


def test_only_the_named_model_is_rotated():
    notes("one")
    Wide.objects.create(c01="x")
    use_keys(NEW, OLD)
    assert rotate_keys("--model", "testapp.note").code == 0
    assert (prefixes(Note, "body"), prefixes(Wide, "c01")) == ({prefix_of(NEW)}, {prefix_of(OLD)})


def test_rows_sealed_before_the_move_are_sealed_under_the_operator_key():
    store.rows().delete()
    use_keys()
    notes("one", "two")
    assert {prefix[:3] for prefix in prefixes(Note, "body")} == {"e1:"}
    move_begun(NEW)
    outcome = rotate_keys()
    assert (outcome.code, phase()) == (0, "done")
    assert prefixes(Note, "body") == {prefix_of(NEW)}


def test_a_site_without_operator_key_has_nothing_to_do():
    store.rows().delete()
    use_keys()
    notes("one")
    before = texts(Note, "body")
    outcome = rotate_keys("--json")
    assert (outcome.code, json.loads(outcome.out)["phase"]) == (0, "")
    assert texts(Note, "body") == before


def test_current_purpose_keys_are_left_byte_for_byte():
    keys.purpose_keys("api_tokens")
    before = key_rows()["_purpose/api_tokens/1"]
    assert json.loads(rotate_keys("--json").out)["purpose_keys"] == 0
    assert key_rows()["_purpose/api_tokens/1"] == before
