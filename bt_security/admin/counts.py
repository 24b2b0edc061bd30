"""The table of the page of the keys: values per column and key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext as _

from bt_security.admin.overview import Overview
from bt_security.rotation.status import ColumnStatus, KeyStatus


class Row(NamedTuple):
    """Values of one column under one key, or of one kind that no key here opens."""

    column: str
    alias: str
    key_id: str
    kind: str
    values: int
    is_old: bool


def table_rows(seen: Overview, counted: KeyStatus) -> list[Row]:
    """Return the rows of the table, the purpose keys last; an empty column has a row with 0."""
    rows = [row for column in counted.columns for row in _of_column(seen, column, counted)]
    for prefix, count in sorted(counted.purpose_keys.items()):
        rows.append(_under_key(seen, counted, _("purpose keys"), "", prefix, count))
    return rows


def _of_column(seen: Overview, column: ColumnStatus, counted: KeyStatus) -> Iterator[Row]:
    name = f"{column.model}.{column.field}"
    others = [
        (_("plaintext"), column.plaintext),
        (_("of another package"), column.foreign),
    ]
    # The status counts values of missing keys as unreadable, too; here they stand by their key.
    opening = _opening_prefixes(seen)
    of_missing_keys = sum(n for prefix, n in column.by_prefix.items() if prefix not in opening)
    others.append((_("unreadable"), column.unreadable - of_missing_keys))
    for prefix, count in sorted(column.by_prefix.items()):
        yield _under_key(seen, counted, name, column.alias, prefix, count)
    for kind, count in others:
        if count > 0:
            yield Row(name, column.alias, "", kind, count, is_old=True)
    if not (column.by_prefix or column.plaintext or column.foreign or column.unreadable):
        yield Row(name, column.alias, "", _("no value"), 0, is_old=False)


def _opening_prefixes(seen: Overview) -> set[str]:
    key_ids = (seen.operator_key_id, *seen.previous_key_ids)
    opening = {f"e2:{key_id}:" for key_id in key_ids}
    if seen.accepts_database_key:
        opening |= {f"e1:{key_id}:" for key_id in seen.database_key_ids}
    return opening


def _under_key(
    seen: Overview, counted: KeyStatus, column: str, alias: str, prefix: str, values: int
) -> Row:
    newest = f"e2:{seen.operator_key_id}:" if seen.operator_key_id else counted.sealing_prefix
    return Row(column, alias, prefix[3:11], _kind(seen, prefix), values, is_old=prefix != newest)


def _kind(seen: Overview, prefix: str) -> str:
    version, key_id = prefix[:2], prefix[3:11]
    if version == "e2" and key_id == seen.operator_key_id:
        return _("operator key")
    if version == "e2" and key_id in seen.previous_key_ids:
        return _("previous operator key")
    if version == "e1" and key_id in seen.database_key_ids:
        return _("database key") if seen.accepts_database_key else _("retired database key")
    return _("missing key")
