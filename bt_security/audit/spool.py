"""Finished rows that the database did not take: one file each, until they can be stored."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from django.db import Error, connections, transaction

from bt_security.audit.rows import Row, as_json, from_json
from bt_security.conf import conf
from bt_security.exceptions import BTSecurityError
from bt_security.models import AuditEntry

logger = logging.getLogger("bt_security.audit")

SUFFIX = ".jsonl"
REFUSED_SUFFIX = ".refused"
FILE_MODE = 0o600
DIRECTORY_MODE = 0o700

Judge = Callable[[Row], bool]
Insert = Callable[[Sequence[Row]], None]


def keep(rows: Sequence[Row], *, why: str) -> None:
    """Write the rows to the spool and say so loudly; without a spool the line has them whole.

    What is written is what would have been inserted: personal data sealed, hash and MAC made,
    the original time. A file appears under its name only when it is complete and on the disk.
    """
    text = "".join(f"{as_json(row)}\n" for row in rows)
    directory = conf.audit.spool_dir
    try:
        if directory:
            _write(Path(directory), rows[0].uid.hex, text)
    except OSError as error:
        why, directory = f"{why}, spool: {type(error).__name__}", ""
    if directory:
        logger.critical(
            "The audit log did not take %d entries (%s); they wait in the spool.", len(rows), why
        )
    else:
        logger.critical("The audit log did not take these entries (%s): %s", why, text.strip())


def waiting() -> list[Path]:
    """Return the files that wait, the oldest first."""
    directory = conf.audit.spool_dir
    return sorted(Path(directory).glob(f"*{SUFFIX}")) if directory else []


def replay(*, using: str, is_genuine: Judge, insert: Insert) -> int:
    """Store what waits and return how many entries that were; what is stored already is skipped.

    A file with a line that is no row of this log, or that `is_genuine` denies, is renamed and
    logged. Where the database still refuses, files stay for the next time.
    """
    stored = 0
    for file in waiting():
        rows = _judged(file, is_genuine)
        if rows is None:
            continue
        try:
            with transaction.atomic(using=using):
                missing = _missing(using, rows)
                insert(missing)
        except Error as error:
            logger.error("Spooled entries still wait: %s.", type(error).__name__)
            if not connections[using].in_atomic_block:
                connections[using].close_if_unusable_or_obsolete()
            continue
        file.unlink(missing_ok=True)
        stored += len(missing)
    return stored


def _judged(file: Path, is_genuine: Judge) -> list[Row] | None:
    """Return the rows of a file, None if it cannot be read now or was set aside."""
    try:
        rows = _rows(file.read_text(encoding="ascii", errors="replace"))
        if rows and all(map(is_genuine, rows)):
            return rows
        file.rename(file.with_suffix(REFUSED_SUFFIX))
    except FileNotFoundError:
        return None  # another process was faster
    except OSError as error:
        logger.error("A spooled entry cannot be read: %s.", type(error).__name__)
        return None
    except BTSecurityError as error:
        logger.error("Spooled entries still wait: %s.", type(error).__name__)
        return None
    logger.critical("A spooled entry is not of this log; its file was set aside.")
    return None


def _missing(using: str, rows: Sequence[Row]) -> list[Row]:
    """Return those that are not stored: a replay may have ended before it removed its file."""
    found = AuditEntry.objects.using(using).filter(uid__in=[row.uid for row in rows])
    stored = set(found.values_list("uid", flat=True))
    return [row for row in rows if row.uid not in stored]


def _write(directory: Path, name: str, text: str) -> None:
    directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    unfinished = directory / f"{name}.part"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(directory / f"{name}{SUFFIX}")
    sync_directory(directory)


def sync_directory(directory: Path) -> None:
    """Bring the names of new files to the disk as well."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rows(text: str) -> list[Row]:
    """Return the rows of a file's lines, none if one of them is no row."""
    try:
        found = [from_json(line) for line in text.splitlines()]
    except ValueError:
        return []
    # A line with an id is one of an archive or export: its entry was in the log already.
    return [row for _id, row in found] if all(entry_id is None for entry_id, _ in found) else []
