"""`manage.py key_status`: counts by key, warnings, exit status."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bt_security import keys
from bt_security.fields.guard import guards
from bt_security.keys import store
from bt_security.rotation.status import TRADE_OFF, key_status
from tests.fields.conftest import unguarded as unguarded_note  # noqa: F401 - fixture
from tests.rotation.conftest import (  # noqa: F401 - fixtures
    NEW,
    OLD,
    empty_key_table,
    manage,
    move_begun,
    operator_site,
    prefix_of,
    put,
    rotate_keys,
    site,
    texts,
    use_keys,
)
from tests.testapp.models import Legacy, Note


def column_of(model, name, **options):
    label = model._meta.label
    (found,) = [
        each
        for each in key_status(**options).columns
        if (each.model, each.field, each.alias) == (label, name, "default")
    ]
    return found


def fails_on_old() -> bool:
    return manage("key_status", "--fail-on-old").code == 1


@pytest.mark.usefixtures("operator_site")
class TestWithOperatorKey:
    """A site that seals under an operator key."""

    def test_old_values_fail_and_new_ones_do_not(self):
        Note.objects.create(body="x")
        assert not fails_on_old()
        use_keys(NEW, OLD)
        assert fails_on_old()
        assert manage("key_status").code == 0
        rotate_keys()
        assert not fails_on_old()

    def test_values_are_counted_by_key(self):
        Note.objects.create(body="x")
        Note.objects.create(body=None)
        use_keys(NEW, OLD)
        Note.objects.bulk_create([Note(body="y"), Note(body="z")])
        column = column_of(Note, "body")
        assert column.by_prefix == {prefix_of(OLD): 1, prefix_of(NEW): 2}
        assert (column.old, column.plaintext, column.foreign, column.unreadable) == (1, 0, 0, 0)

    def test_values_without_their_key_are_unreadable(self):
        note = Note.objects.create(body="x")
        put(Note, "body", "e2:00000000:" + texts(Note, "body")[note.pk][12:], id=note.pk)
        assert column_of(Note, "body").unreadable == 1
        assert "unreadable" in manage("key_status").out
        assert fails_on_old()

    def test_old_purpose_keys_fail(self):
        keys.purpose_keys("api_tokens")
        assert not fails_on_old()
        use_keys(NEW, OLD)
        assert fails_on_old()
        assert "purpose keys" in manage("key_status").out
        rotate_keys()
        assert not fails_on_old()

    def test_plaintext_is_counted_and_shown_nowhere(self):
        row = Legacy.objects.create(token="x")
        put(Legacy, "token", "canary-plaintext", id=row.pk)
        with CaptureQueriesContext(connection) as queries:
            outcome = manage("key_status", "--json")
        assert column_of(Legacy, "token").plaintext == 1
        assert "canary" not in outcome.out + str(queries.captured_queries)
        assert fails_on_old()

    def test_damaged_text_in_a_plaintext_column_is_unreadable(self):
        row = Legacy.objects.create(token="x")
        put(Legacy, "token", "e2:cut", id=row.pk)
        column = column_of(Legacy, "token")
        assert (column.plaintext, column.unreadable) == (0, 1)

    @pytest.mark.once  # where the fixture changes the table, nothing rolls that back here
    def test_plaintext_in_a_column_that_lost_its_check_is_unreadable(self, unguarded_note):  # noqa: F811 - fixture
        note = Note.objects.create(body="x")
        put(Note, "body", "plain", id=note.pk)
        column = column_of(Note, "body")
        assert (column.plaintext, column.unreadable, column.old) == (0, 1, 1)

    def test_foreign_values_are_counted(self, settings):
        settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {
            "testapp.Legacy.token": ["bt_security.interop.trek"]
        }
        row = Legacy.objects.create(token="x")
        put(Legacy, "token", "enc:v1:AAAA", id=row.pk)
        assert column_of(Legacy, "token").foreign == 1
        assert "foreign" in manage("key_status").out

    def test_many_seals_under_one_key_are_warned_of(self):
        Note.objects.bulk_create([Note(body="x") for _ in range(6)])
        assert not key_status(most_seals_per_key=12).warnings
        (warning,) = key_status(most_seals_per_key=11).warnings
        assert warning.startswith(f"Key {prefix_of(OLD)[3:11]} holds 6 values")

    def test_another_key_is_reported_and_fails(self):
        Note.objects.create(body="x")
        use_keys(NEW)
        outcome = manage("key_status")
        assert outcome.code == 0
        assert "sealing with: nothing" in outcome.out
        assert prefix_of(OLD)[3:11] in outcome.out
        assert fails_on_old()

    @pytest.mark.feature("TK-15")
    def test_the_source_is_shown(self):
        """`key_status` shows whether the key comes from the environment or from the database."""
        assert "source: TOKEN_ENCRYPTION_KEY" in manage("key_status").out
        assert TRADE_OFF not in manage("key_status").out

    def test_no_key_is_printed(self):
        use_keys(NEW, OLD)
        rotate_keys()
        for option in ((), ("--json",)):
            outcome = manage("key_status", *option)
            assert OLD not in outcome.out
            assert NEW not in outcome.out

    def test_json_holds_everything(self):
        Note.objects.create(body="x")
        use_keys(NEW, OLD)
        rotate_keys()
        status = json.loads(manage("key_status", "--json").out)
        assert (status["source"], status["phase"], status["old"]) == ("environment", "done", 0)
        assert status["operator_key_id"] == prefix_of(NEW)[3:11]
        assert status["previous_key_ids"] == [prefix_of(OLD)[3:11]]
        assert status["orphans"] == []

    def test_a_named_database_alone_is_counted(self):
        columns = key_status(using="default").columns
        assert {column.alias for column in columns} == {"default"}

    def test_an_unknown_database_exits_1(self):
        assert manage("key_status", "--database", "nowhere").code == 1

    def test_nothing_is_opened_or_written(self):
        note = Note.objects.create(body="x")
        put(Note, "body", texts(Note, "body")[note.pk][:-2] + "AA", id=note.pk)
        with CaptureQueriesContext(connection) as queries:
            assert key_status().old == 0
        assert not [q for q in queries if q["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]

    @pytest.mark.postgres
    def test_a_column_without_its_check_is_named(self):
        assert column_of(Note, "body").guarded
        (guard,) = guards(connection, "testapp_note")
        with transaction.atomic():
            connection.cursor().execute(f"ALTER TABLE testapp_note DROP CONSTRAINT {guard.name}")
            status = key_status()
            transaction.set_rollback(True)
        (warning,) = status.warnings
        assert warning.startswith("testapp.Note.body on default has no CHECK")


@pytest.mark.usefixtures("site")
class TestWithDatabaseKey:
    """A site that has no operator key yet."""

    def test_the_trade_off_is_said(self):
        outcome = manage("key_status")
        assert "source: database" in outcome.out
        assert f"! {TRADE_OFF}" in outcome.out
        assert "move to an operator key: not begun" in outcome.out

    def test_values_of_the_database_key_are_old_once_there_is_an_operator_key(self):
        Note.objects.create(body="x")
        assert not fails_on_old()
        use_keys(OLD)
        assert fails_on_old()

    def test_an_open_move_is_warned_of(self):
        move_begun(OLD)
        assert any("still opens" in warning for warning in key_status().warnings)

    def test_a_database_key_that_is_not_needed_is_named(self):
        move_begun(OLD)
        rotate_keys()
        assert any("--retire-database-key" in warning for warning in key_status().warnings)
        rotate_keys("--retire-database-key")
        assert key_status().warnings == []

    def test_a_sealed_table_without_a_model_is_warned_of_and_fails(self):
        store.write(store.SEALED_COLUMNS, '[["gone", "some_table", "secret"]]')
        assert any("gone: some_table.secret" in warning for warning in key_status().warnings)
        assert fails_on_old()
