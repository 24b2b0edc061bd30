"""The database refuses to change the log, in SQL and not only through the models."""

from __future__ import annotations

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from bt_security import audit
from bt_security.audit.retention import protecting
from bt_security.audit.retention.protect_sql import plan, standing
from bt_security.exceptions import ProtectionRefused
from bt_security.models import AuditEntry, AuditRetention, AuditSeal, AuditSubjectKey
from tests.audit._retain import (
    ENTRY,
    RETENTION,
    SEAL,
    ids,
    protected,
    run,
    without_rights,
    write,
)

pytestmark = pytest.mark.django_db(transaction=True)

IS_POSTGRES = connection.vendor == "postgresql"


@pytest.fixture
def guarded(log, transactional_db):
    write(3)
    make_seal()
    make_retention(last_id=0)
    with protected():
        yield


def make_seal(seq=1):
    return AuditSeal.objects.create(
        seq=seq,
        after_id=0,
        last_id=0,
        count=0,
        gaps="[]",
        late="[]",
        root=b"r",
        previous_head=b"p",
        head=b"h",
        signing_key="0" * 16,
        signature=b"s",
        sealed_at=timezone.now(),
    )


def make_retention(seq=1, *, last_id):
    return AuditRetention.objects.create(
        seq=seq,
        first_seq=1,
        last_seq=1,
        last_id=last_id,
        count=1,
        head=b"h",
        signing_key="0" * 16,
        signature=b"s",
        pruned_at=timezone.now(),
    )


def refused(sql, *values):
    """Whether the database refuses the statement because of a trigger."""
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        run(sql, *values)
    return True


@pytest.mark.parametrize(
    ("table", "column"),
    [(ENTRY, "body"), (ENTRY, "id"), (SEAL, "head"), (SEAL, "seq"), (RETENTION, "last_id")],
)
def test_a_row_of_the_log_is_not_changed(guarded, table, column):
    assert refused(f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("table", [ENTRY, SEAL, RETENTION])
def test_a_row_of_the_log_is_not_deleted(guarded, table):
    assert refused(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", [ENTRY, SEAL, RETENTION])
def test_the_tables_are_not_emptied(guarded, table):
    assert refused(f"TRUNCATE {table}" if IS_POSTGRES else f"DELETE FROM {table} WHERE 1 = 1")


def test_a_model_cannot_change_the_log_either(guarded):
    entry = AuditEntry.objects.first()
    with pytest.raises(IntegrityError, match="append-only"):
        entry.save()
    with pytest.raises(IntegrityError, match="append-only"):
        AuditSeal.objects.all().delete()


@pytest.mark.parametrize("same", ["id", "uid"])
def test_an_entry_does_not_take_the_place_of_another(guarded, same):
    """`REPLACE` passes every DELETE trigger of SQLite; PostgreSQL has no such statement."""
    old = AuditEntry.objects.first()
    verb = "INSERT" if IS_POSTGRES else "REPLACE"
    new = {"id": "id + 1000", "uid": uuid4().hex if not IS_POSTGRES else str(uuid4())}
    new = {"uid": f"'{new['uid']}'"} if same == "id" else {"id": new["id"]}
    columns = [field.column for field in AuditEntry._meta.concrete_fields]
    values = ", ".join(new.get(name, name) for name in columns)
    into = f"{ENTRY} ({', '.join(columns)})"
    with pytest.raises(IntegrityError), transaction.atomic():
        run(f"{verb} INTO {into} SELECT {values} FROM {ENTRY} WHERE id = {old.pk}")
    assert AuditEntry.objects.filter(pk=old.pk, uid=old.uid).exists()


@pytest.mark.parametrize("table", [SEAL, RETENTION])
def test_a_seal_does_not_take_the_place_of_another(guarded, table):
    verb = "INSERT" if IS_POSTGRES else "REPLACE"
    with pytest.raises(IntegrityError), transaction.atomic():
        run(f"{verb} INTO {table} SELECT * FROM {table}")


@pytest.mark.once
@pytest.mark.parametrize("table", [SEAL, RETENTION])
def test_a_seal_does_not_take_the_hidden_row_number_of_another(guarded, table):
    """A table of SQLite has a number beside its key, and a conflict on it replaces as well."""
    model = AuditSeal if table == SEAL else AuditRetention
    columns = [field.column for field in model._meta.concrete_fields if field.name != "seq"]
    sql = (
        f"REPLACE INTO {table} (rowid, seq, {', '.join(columns)}) "
        f"SELECT rowid, seq + 1, {', '.join(columns)} FROM {table}"
    )
    assert refused(sql)


def test_an_insert_that_turns_into_an_update_is_refused(guarded):
    columns = ", ".join(field.column for field in AuditEntry._meta.concrete_fields)
    tail = "WHERE true ON CONFLICT (id) DO UPDATE SET body = '{}'"
    if connection.vendor == "mysql":
        tail = "ON DUPLICATE KEY UPDATE body = '{}'"
    assert refused(f"INSERT INTO {ENTRY} ({columns}) SELECT {columns} FROM {ENTRY} {tail}")


def test_entries_under_the_newest_retention_record_may_be_deleted(guarded):
    first, second, third, *_ = ids()
    make_retention(2, last_id=second)
    assert refused(f"DELETE FROM {ENTRY} WHERE id IN (%s, %s)", second, third)
    assert run(f"DELETE FROM {ENTRY} WHERE id <= %s", second) == 2
    assert first not in ids()
    assert third in ids()


def test_new_rows_are_still_taken(guarded):
    assert len(write(2)) == 2
    make_seal(2)
    make_retention(2, last_id=1)


def test_a_replica_role_does_not_switch_the_triggers_off(guarded):
    if IS_POSTGRES:
        with transaction.atomic():
            run("SET LOCAL session_replication_role = replica")
            assert refused(f"DELETE FROM {ENTRY}")
    assert protecting.status().is_whole


@pytest.mark.postgres
def test_a_temporary_table_does_not_stand_in_for_the_retention_records(guarded):
    run(f"CREATE TEMPORARY TABLE {RETENTION} (last_id bigint)")
    try:
        run(f"INSERT INTO pg_temp.{RETENTION} VALUES (1000000)")
        assert refused(f"DELETE FROM {ENTRY}")
    finally:
        run(f"DROP TABLE pg_temp.{RETENTION}")


def test_the_log_is_unprotected_until_it_is_installed(log):
    assert protecting.status().standing == ()
    write(1)
    assert run(f"UPDATE {ENTRY} SET body = '[]'") == 1
    assert run(f"DELETE FROM {ENTRY}") == 1


def test_flush_empties_an_unprotected_log_as_the_tests_of_a_host_do(log):
    write(2)
    make_seal()
    make_retention(last_id=0)
    call_command("flush", interactive=False, verbosity=0)
    assert not AuditEntry.objects.filter(action="audit.read").exists()
    assert not AuditSeal.objects.exists()
    assert not AuditRetention.objects.exists()


def test_installing_twice_and_removing_twice_is_harmless(log):
    assert protecting.install() == protecting.install()
    assert protecting.status().is_whole
    assert protecting.remove().standing == ()
    assert protecting.remove().standing == ()


def test_both_are_recorded(log):
    protecting.install()
    protecting.remove()
    found = (
        AuditEntry.objects.filter(action__contains="protected")
        .order_by("id")
        .values_list("action", "body")
    )
    said = '{"database":"default"}'
    assert list(found) == [("audit.protected", said), ("audit.unprotected", said)]


@pytest.mark.parametrize("position", range(6))
def test_a_trigger_that_is_gone_is_named(guarded, position):
    trigger = plan(connection).triggers[position]
    run(trigger.remove[0])
    assert protecting.status().missing == (trigger.name,)


def test_a_trigger_that_was_made_toothless_is_named(guarded):
    name = f"{ENTRY}_no_update"
    weak = {
        "sqlite": f"CREATE TRIGGER {name} BEFORE UPDATE ON {ENTRY} BEGIN SELECT 1; END",
        "mysql": f"CREATE TRIGGER {name} BEFORE UPDATE ON {ENTRY} FOR EACH ROW SET @x = 1",
        "postgresql": f"CREATE TRIGGER {name} BEFORE UPDATE ON {ENTRY} FOR EACH STATEMENT "
        "WHEN (false) EXECUTE FUNCTION bt_security_audit_refuse()",
    }
    run(plan(connection).triggers[0].remove[0])
    run(weak[connection.vendor])
    assert protecting.status().missing == (name,)
    assert protecting.install().is_whole


@pytest.mark.postgres
def test_a_function_that_was_emptied_and_a_switched_off_trigger_are_named(guarded):
    run(
        "CREATE OR REPLACE FUNCTION bt_security_audit_refuse_delete() RETURNS trigger "
        "LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    run(f"ALTER TABLE {SEAL} DISABLE TRIGGER {SEAL}_no_update")
    assert protecting.status().missing == (f"{ENTRY}_no_delete", f"{SEAL}_no_update")


def test_a_site_without_the_tables_is_told(log):
    editor = connection.schema_editor
    with editor() as schema:
        schema.alter_db_table(AuditEntry, ENTRY, "elsewhere")
    try:
        with pytest.raises(ProtectionRefused, match="run migrate"):
            protecting.status()
    finally:
        with editor() as schema:
            schema.alter_db_table(AuditEntry, "elsewhere", ENTRY)


@pytest.mark.once
def test_another_database_is_refused(log, monkeypatch):
    monkeypatch.setattr(connections["default"], "vendor", "oracle")
    with pytest.raises(ProtectionRefused, match="no triggers"):
        protecting.status()
    with pytest.raises(ProtectionRefused, match="no triggers"):
        standing(connection, None)


def command(*options):
    output = StringIO()
    call_command("protect_audit_log", *options, stdout=output)
    return output.getvalue()


def test_the_command_installs_shows_and_removes(log):
    assert f"standing  {ENTRY}_no_update" in command("--install")
    assert "missing" not in command("--status")
    assert json.loads(command("--status", "--json"))["missing"] == []
    assert f"missing   {ENTRY}_no_delete" in command("--remove")
    with pytest.raises(CommandError, match="not protected"):
        command("--status")


def test_the_command_changes_nothing_that_cannot_be_recorded(log, user):
    keys = AuditSubjectKey._meta.db_table
    run(f"ALTER TABLE {keys} RENAME TO elsewhere")
    try:
        with audit.actor(user), pytest.raises(CommandError, match="cannot be made"):
            command("--install")
    finally:
        run(f"ALTER TABLE elsewhere RENAME TO {keys}")
    assert protecting.status().standing == ()


def test_without_the_rights_the_command_prints_the_sql(log):
    """What the site's account may not do is left to an administrator, whole and ready to run."""
    names = [trigger.name for trigger in plan(connection).triggers]
    output = StringIO()
    with without_rights(), pytest.raises(CommandError, match="refuses the triggers"):
        call_command("protect_audit_log", "--install", stdout=output)
    assert all(name in output.getvalue() for name in names)
    assert protecting.status().standing == ()
    last = AuditEntry.objects.order_by("id").last()
    assert (last.action, last.get_outcome_display()) == ("audit.protected", "failure")
