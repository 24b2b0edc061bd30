"""Entries as lines of JSON with every column: what `verify_audit_log` can compute again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bt_security.audit.reading.export import Exported
from bt_security.audit.reading.opened import Personal
from bt_security.audit.rows import as_json


def json_lines(entries: Iterable[Exported]) -> Iterator[str]:
    """Yield one line an entry, as in an archive.

    Where personal data were asked for, `opened` has them; null there, with the reason in `missing`.
    """
    for entry in entries:
        line = as_json(entry.row, entry_id=entry.entry_id)
        if entry.personal is not None:
            more = json.dumps(_opened(entry.personal), separators=(",", ":"))
            line = f"{line[:-1]},{more[1:]}"
        yield f"{line}\n"


def _opened(personal: Personal) -> dict[str, Any]:
    if personal.missing:
        return {"opened": None, "missing": personal.missing}
    return {"opened": personal.data}
