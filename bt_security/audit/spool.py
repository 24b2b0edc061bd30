"""Finished rows that the database did not take: one file each, until they can be stored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bt_security.audit.rows import Row, as_json, from_json
from bt_security.audit.spool_files import SpoolFiles
from bt_security.conf import conf
from bt_security.models import AuditEntry

logger = logging.getLogger("bt_security.audit")

Judge = Callable[[Row], bool]
Insert = Callable[[Sequence[Row]], None]

_files = SpoolFiles(lambda: conf.audit.spool_dir, logger, "entries")


def keep(rows: Sequence[Row], *, why: str) -> None:
    """Write the rows to the spool and say so loudly; without a spool the line has them whole.

    What is written is what would have been inserted: personal data sealed, hash and MAC made,
    the original time. A file appears under its name only when it is complete and on the disk.
    """
    text = "".join(f"{as_json(row)}\n" for row in rows)
    try:
        is_kept = _files.keep(rows[0].uid.hex, text)
    except OSError as error:
        why, is_kept = f"{why}, spool: {type(error).__name__}", False
    if is_kept:
        logger.critical(
            "The audit log did not take %d entries (%s); they wait in the spool.", len(rows), why
        )
    else:
        logger.critical("The audit log did not take these entries (%s): %s", why, text.strip())


def waiting() -> list[Path]:
    """Return the files that wait, the oldest first."""
    return _files.waiting()


def replay(*, using: str, is_genuine: Judge, insert: Insert) -> int:
    """Store what waits and return how many entries that were; what is stored already is skipped.

    A file with a line that is no row of this log, or that `is_genuine` denies, is renamed and
    logged. Where the database still refuses, files stay for the next time.
    """
    store = partial(_store, using=using, insert=insert)
    return _files.replay(partial(_genuine, is_genuine=is_genuine), store, using=using)


def _genuine(text: str, *, is_genuine: Judge) -> list[Row]:
    """Return the rows of a file, none if one of them is not of this log."""
    rows = _rows(text)
    return rows if all(map(is_genuine, rows)) else []


def _store(rows: Sequence[Row], *, using: str, insert: Insert) -> int:
    missing = _missing(using, rows)
    insert(missing)
    return len(missing)


def _missing(using: str, rows: Sequence[Row]) -> list[Row]:
    """Return those that are not stored: a replay may have ended before it removed its file."""
    found = AuditEntry.objects.using(using).filter(uid__in=[row.uid for row in rows])
    stored = set(found.values_list("uid", flat=True))
    return [row for row in rows if row.uid not in stored]


def _rows(text: str) -> list[Row]:
    """Return the rows of a file's lines, none if one of them is no row."""
    try:
        found = [from_json(line) for line in text.splitlines()]
    except ValueError:
        return []
    # A line with an id is one of an archive or export: its entry was in the log already.
    return [row for _id, row in found] if all(entry_id is None for entry_id, _ in found) else []
