"""Values that a column cannot rightly hold: they are named, and hide nothing else."""

from __future__ import annotations

import pytest
from django.db import connection

from bt_security.models import AuditRetention
from bt_security.testing import fixed_key
from tests.audit._verify import (
    ENTRIES,
    SEALS,
    make_log,
    run,
    set_column,
    tampering,
    verdict_of,
    without_keys,
)

RETENTION = AuditRetention._meta.db_table
SQLITE_VALUES = {
    "uid": "'no uid'",
    "recorded_at": "'soon'",
    "outcome": "'1.5'",
    "reason": "x'ff'",
    "via": "CAST(x'ff' AS TEXT)",
    "body": "12",
    "personal": "'text'",
    "address_tag": "'text'",
    "mac_generation": "1e300",
    "row_hash": "'text'",
    "mac": "'text'",
}
UNREADABLE = {
    "sqlite": list(SQLITE_VALUES.items()),
    "postgresql": [("recorded_at", "'infinity'"), ("recorded_at", "'0044-03-15 BC'")],
    "mysql": [("recorded_at", "'0000-00-00 00:00:00'")],
}
SPELLINGS_OF_A_TIME = {
    "sqlite": [
        "recorded_at || '+13:45'",
        "recorded_at || 'Z'",
        "recorded_at || '000'",
        "replace(recorded_at, ' ', 'T')",
        "CAST(recorded_at AS BLOB)",
    ],
    "postgresql": ["recorded_at + interval '1 microsecond'"],
    "mysql": ["recorded_at + INTERVAL 1 MICROSECOND"],
}
NO_TIMES = {
    "sqlite": "'2026-99-99 00:00:00'",
    "postgresql": "'infinity'",
    "mysql": "'0000-00-00 00:00:00'",
}


@pytest.fixture(autouse=True)
def _own_keys(django_db_setup, django_db_blocker):
    with without_keys(django_db_blocker):
        yield


@pytest.fixture
def log(audit_on, db):
    with fixed_key():
        made = make_log()
        if connection.vendor == "mysql":
            run("SET SESSION sql_mode = ''")
        yield made
        if connection.vendor == "mysql":
            run("SET SESSION sql_mode = DEFAULT")


@pytest.mark.parametrize(("column", "value"), UNREADABLE[connection.vendor])
def test_an_entry_that_cannot_be_read_is_named_alone(log, column, value):
    unreadable, edited = log.ids[3], log.ids[5]
    run(f"UPDATE {ENTRIES} SET {column} = {value} WHERE id = %s", unreadable)
    set_column(edited, reason="another")
    assert tampering(verdict_of()) == {"EDITED": [unreadable, edited]}


@pytest.mark.parametrize("spelling", SPELLINGS_OF_A_TIME[connection.vendor])
def test_a_time_that_is_not_as_it_was_written_is_named(log, spelling):
    run(f"UPDATE {ENTRIES} SET recorded_at = {spelling} WHERE id = %s", log.ids[3])
    assert tampering(verdict_of()) == {"EDITED": [log.ids[3]]}


def test_a_seal_that_cannot_be_read_is_named_alone(log):
    run(f"UPDATE {SEALS} SET sealed_at = {NO_TIMES[connection.vendor]} WHERE seq = 2")
    assert tampering(verdict_of()) == {"SEAL FORGED": [2]}


def test_a_retention_record_that_cannot_be_read_is_named(log):
    quoted = connection.ops.quote_name("count")
    empty = {"sqlite": "x''", "postgresql": "''", "mysql": "''"}[connection.vendor]
    run(
        f"INSERT INTO {RETENTION} (seq, first_seq, last_seq, last_id, {quoted}, head, "
        "archive_digest, signing_key, signature, pruned_at) "
        f"VALUES (1, 1, 1, 1, 1, {empty}, '', '', {empty}, {NO_TIMES[connection.vendor]})"
    )
    assert tampering(verdict_of()).keys() == {"RETENTION FORGED"}


@pytest.mark.once
def test_another_spelling_of_a_uid_is_no_way_past_the_unique_index(log):
    run(f"UPDATE {ENTRIES} SET uid = upper(uid) WHERE id = %s", log.ids[3])
    assert tampering(verdict_of()) == {"EDITED": [log.ids[3]]}


@pytest.mark.parametrize("column", ["root", "leaf_tags", "gaps", "head", "signature"])
def test_a_seal_with_a_value_of_another_type_is_named(log, column):
    run(f"UPDATE {SEALS} SET {column} = '[[1' WHERE seq = 3")
    assert tampering(verdict_of()) == {"SEAL FORGED": [3]}
