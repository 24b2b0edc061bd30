"""Entries as CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bt_security.audit.reading.export import Exported
from bt_security.audit.reading.opened import Personal
from bt_security.audit.reading.shown import shown
from bt_security.web import spreadsheets

COLUMNS = (
    "id",
    "uid",
    "recorded_at",
    "action",
    "outcome",
    "severity",
    "reason",
    "actor_kind",
    "actor_id",
    "via",
    "target_kind",
    "target_id",
    "tenant",
    "request_id",
    "session_ref",
    "details",
    "row_hash",
)
PERSONAL_COLUMNS = ("address", "agent", "label", "personal")


def csv_lines(entries: Iterable[Exported], *, with_personal: bool) -> Iterator[str]:
    """Yield the header and one line an entry; see `bt_security.web.spreadsheets`."""
    header = [*COLUMNS, *(PERSONAL_COLUMNS if with_personal else ())]
    return spreadsheets.csv_lines(header, map(_cells, entries))


def _cells(entry: Exported) -> list[str]:
    said = shown(entry.row)
    said |= {
        "id": entry.entry_id,
        "details": _dump(said["details"]),
        "row_hash": entry.row.row_hash.hex(),
    }
    cells = [str(said[name]) for name in COLUMNS]
    return cells if entry.personal is None else [*cells, *_personal_cells(entry.personal)]


def _personal_cells(personal: Personal) -> list[str]:
    """Return address, agent and label, and in the last cell all else, or why there is nothing."""
    others = dict(personal.data)
    named = [others.pop(name, "") for name in PERSONAL_COLUMNS[:-1]]
    return [*named, _dump(others) if others else personal.missing]


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True)
