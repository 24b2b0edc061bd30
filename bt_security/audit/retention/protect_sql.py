"""The triggers that keep the log append-only, in the SQL of each database, and whether they stand.

Entries are never changed, and deleted only up to the newest retention record, so that pruning
leaves its own evidence; seals and retention records are never changed or deleted. Nothing a
session can set opens a back door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper

from bt_security.exceptions import ProtectionRefused
from bt_security.models import AuditEntry, AuditRetention, AuditSeal

REFUSAL = "the audit log is append-only"
ENTRY_TABLE = AuditEntry._meta.db_table
RETENTION_TABLE = AuditRetention._meta.db_table
_KEYS = {ENTRY_TABLE: "id", AuditSeal._meta.db_table: "seq", RETENTION_TABLE: "seq"}

_POSTGRESQL_BITS = {"delete": 8, "update": 16, "truncate": 32}
_POSTGRESQL_BEFORE = 2
_FUNCTIONS = ("bt_security_audit_refuse", "bt_security_audit_refuse_delete")
# 4025 is what Django reports as an IntegrityError, as the triggers of the others are.
_MYSQL_REFUSAL = f"SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 4025, MESSAGE_TEXT = '{REFUSAL}'"
_SQLITE_REFUSAL = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"


class Trigger(NamedTuple):
    """One trigger: what makes it, what removes it, and what the catalogue then says of it."""

    name: str
    install: tuple[str, ...]
    remove: tuple[str, ...]
    in_catalogue: tuple[object, ...]


class Plan(NamedTuple):
    """All triggers of a database, with what stands before the first and after the last one."""

    triggers: tuple[Trigger, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def install(self) -> tuple[str, ...]:
        """Statements that install everything, whatever is there already."""
        return (*self.before, *(part for trigger in self.triggers for part in trigger.install))

    @property
    def remove(self) -> tuple[str, ...]:
        """Statements that remove everything that is there."""
        return (*(part for trigger in self.triggers for part in trigger.remove), *self.after)


def plan(connection: BaseDatabaseWrapper) -> Plan:
    """Return what protects the log in this database.

    Raises:
        ProtectionRefused: the tables are not there, or the database is none of the three.
    """
    return _dialect(connection)[0](connection)


def standing(connection: BaseDatabaseWrapper, wanted: Plan) -> list[str]:
    """Return the names of the triggers that are there, switched on, and as this package makes them.

    MariaDB and MySQL show triggers to accounts with the right TRIGGER only.
    """
    found = _dialect(connection)[1](connection)
    return [
        trigger.name
        for trigger in wanted.triggers
        if found.get(trigger.name) == trigger.in_catalogue
    ]


def _dialect(
    connection: BaseDatabaseWrapper,
) -> tuple[
    Callable[[BaseDatabaseWrapper], Plan],
    Callable[[BaseDatabaseWrapper], dict[str, tuple[object, ...]]],
]:
    known = {
        "postgresql": (_postgresql, _postgresql_catalogue),
        "mysql": (_mysql, _mysql_catalogue),
        "sqlite": (_sqlite, _sqlite_catalogue),
    }
    if connection.vendor not in known:
        raise ProtectionRefused(f"there are no triggers for {connection.display_name}")
    return known[connection.vendor]


def _rules(*operations: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, table and operation of every trigger."""
    for table in _KEYS:
        for operation in operations:
            yield f"{table}_no_{operation}", table, operation


def _postgresql(connection: BaseDatabaseWrapper) -> Plan:
    quote = connection.ops.quote_name
    schema = quote(_postgresql_schema(connection))
    always, unless_pruned = (f'{schema}."{name}"()' for name in _FUNCTIONS)
    refuse, refuse_delete = _postgresql_bodies(f"{schema}.{quote(RETENTION_TABLE)}")
    triggers = []
    for name, table, operation in _rules("update", "delete", "truncate"):
        place = f"{schema}.{quote(table)}"
        moment = f"BEFORE {operation.upper()} ON {place}"
        bits, function = _POSTGRESQL_BITS[operation] | _POSTGRESQL_BEFORE, always
        known: tuple[object, ...] = (table, bits, "A", True, None, refuse)
        if (table, operation) == (ENTRY_TABLE, "delete"):
            # Once per statement, not per row: pruning stays as fast as a bare DELETE.
            moment = f"AFTER DELETE ON {place} REFERENCING OLD TABLE AS gone"
            bits, function = _POSTGRESQL_BITS[operation], unless_pruned
            known = (table, bits, "A", True, "gone", refuse_delete)
        create = (
            f"CREATE OR REPLACE TRIGGER {quote(name)} {moment} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {function}"
        )
        # Also where session_replication_role switches others off.
        enable = f"ALTER TABLE {place} ENABLE ALWAYS TRIGGER {quote(name)}"
        drop = f"DROP TRIGGER IF EXISTS {quote(name)} ON {place}"
        triggers.append(Trigger(name, (create, enable), (drop,), known))
    # The path is fixed, and the body names its table with the schema: whoever may create a
    # temporary table could otherwise put one of that name before it.
    frame = (
        "CREATE OR REPLACE FUNCTION {} RETURNS trigger LANGUAGE plpgsql "
        "SET search_path = pg_catalog, pg_temp AS $body${}$body$"
    )
    return Plan(
        tuple(triggers),
        (frame.format(always, refuse), frame.format(unless_pruned, refuse_delete)),
        (f"DROP FUNCTION IF EXISTS {always}", f"DROP FUNCTION IF EXISTS {unless_pruned}"),
    )


def _postgresql_bodies(retention: str) -> tuple[str, str]:
    code = "USING ERRCODE = 'integrity_constraint_violation'"
    refuse = (
        f" BEGIN RAISE EXCEPTION '{REFUSAL}: % of % is refused', TG_OP, TG_TABLE_NAME {code}; END "
    )
    refuse_delete = (
        " BEGIN IF EXISTS (SELECT FROM gone WHERE gone.id > "  # noqa: S608 - names of ours
        f"COALESCE((SELECT max(last_id) FROM {retention}), 0)) THEN RAISE EXCEPTION "
        f"'{REFUSAL}: no retention record covers these entries' {code}; "
        "END IF; RETURN NULL; END "
    )
    return refuse, refuse_delete


def _postgresql_schema(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.oid = to_regclass(%s)",
            [connection.ops.quote_name(ENTRY_TABLE)],
        )
        found = cursor.fetchone()
    if found is None:
        raise ProtectionRefused("the tables of the audit log are not there: run migrate")
    return str(found[0])


def _postgresql_catalogue(connection: BaseDatabaseWrapper) -> dict[str, tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, c.relname, t.tgtype, t.tgenabled::text, "
            "t.tgqual IS NULL AND t.tgattr::text = '', t.tgoldtable, "
            "p.prosrc FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal AND t.tgrelid IN "
            "(SELECT to_regclass(name) FROM unnest(%s::text[]) AS name)",
            [[connection.ops.quote_name(table) for table in _KEYS]],
        )
        return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}


def _mysql(connection: BaseDatabaseWrapper) -> Plan:
    _require_tables(connection)
    quote = connection.ops.quote_name
    unless_pruned = (
        f"IF OLD.id > (SELECT COALESCE(MAX(last_id), 0) "  # noqa: S608 - names of ours
        f"FROM {quote(RETENTION_TABLE)}) THEN {_MYSQL_REFUSAL}; END IF"
    )
    triggers = []
    for name, table, operation in _rules("update", "delete"):
        is_pruning = (table, operation) == (ENTRY_TABLE, "delete")
        body = unless_pruned if is_pruning else _MYSQL_REFUSAL
        drop = f"DROP TRIGGER IF EXISTS {quote(name)}"
        create = (
            f"CREATE TRIGGER {quote(name)} BEFORE {operation.upper()} ON {quote(table)} "
            f"FOR EACH ROW {body}"
        )
        known = (table, operation.upper(), "BEFORE", body)
        triggers.append(Trigger(name, (drop, create), (drop,), known))
    return Plan(tuple(triggers))


def _mysql_catalogue(connection: BaseDatabaseWrapper) -> dict[str, tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, "
            "ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"
        )
        return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}


def _sqlite(connection: BaseDatabaseWrapper) -> Plan:
    _require_tables(connection)
    quote = connection.ops.quote_name
    triggers = []
    for name, table, operation in _rules("update", "delete", "replace"):
        event = "INSERT" if operation == "replace" else operation.upper()
        create = (
            f"CREATE TRIGGER {quote(name)} BEFORE {event} ON {quote(table)}"
            f"{_sqlite_condition(quote, table, operation)} {_SQLITE_REFUSAL}"
        )
        drop = f"DROP TRIGGER IF EXISTS {quote(name)}"
        triggers.append(Trigger(name, (drop, create), (drop,), (table, create)))
    return Plan(tuple(triggers))


def _sqlite_condition(quote: Callable[[str], str], table: str, operation: str) -> str:
    if (table, operation) == (ENTRY_TABLE, "delete"):
        return (
            " WHEN OLD.id > (SELECT COALESCE(MAX(last_id), 0) "  # noqa: S608 - names of ours
            f"FROM {quote(RETENTION_TABLE)})"
        )
    if operation != "replace":
        return ""
    # INSERT OR REPLACE deletes the row in its way without any DELETE trigger. What may be in the
    # way is every unique column; a rowid that the database chooses is -1 at this point.
    same = f"{_KEYS[table]} = NEW.{_KEYS[table]}"
    if table == ENTRY_TABLE:
        same = f"(NEW.id <> -1 AND {same}) OR uid = NEW.uid"
    else:
        same = f"{same} OR (NEW.rowid <> -1 AND rowid = NEW.rowid)"
    return f" WHEN EXISTS (SELECT 1 FROM {quote(table)} WHERE {same})"  # noqa: S608 - names of ours


def _sqlite_catalogue(connection: BaseDatabaseWrapper) -> dict[str, tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
        return {row[0]: tuple(row[1:]) for row in cursor.fetchall()}


def _require_tables(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if not _KEYS.keys() <= set(connection.introspection.table_names(cursor)):
            raise ProtectionRefused("the tables of the audit log are not there: run migrate")
