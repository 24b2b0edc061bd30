"""Archives: entries as lines of JSON, written before they are pruned, seal by seal.

The lines of a seal stand in ascending id, and the seals in their order, so that a reader needs
the entries of one seal in memory at most. Personal data stay sealed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from bt_security.audit.rows import Row, as_json, from_json
from bt_security.audit.spool_files import sync_directory

FILE_MODE = 0o600
DIRECTORY_MODE = 0o700


def file_name(first_seq: int, last_seq: int) -> str:
    """Return the name of the archive with the entries of these seals."""
    return f"audit-seals-{first_seq:010}-{last_seq:010}.jsonl"


def write(file: Path, entries: Iterable[tuple[int, Row]]) -> str:
    """Write entries, bring them to the disk, and return the SHA-256 of the file in hexadecimal.

    The file appears under its name only when it is complete; one of a run that was killed is
    replaced. The folder is made if it is not there, and only its owner reads either.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    try:
        digest = _write(unfinished, entries)
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_directory(file.parent)
    return digest


def read(file: Path) -> Iterator[tuple[int, Row]]:
    """Yield ids and rows of an archive in the order of its lines.

    Raises:
        ValueError: a line is no entry with an id.
        OSError: the file cannot be read.
    """
    with file.open(encoding="ascii") as opened:
        for line in opened:
            entry_id, row = from_json(line)
            if type(entry_id) is not int:
                raise ValueError("a line of the archive has no id")
            yield entry_id, row


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _write(file: Path, entries: Iterable[tuple[int, Row]]) -> str:
    digest = hashlib.sha256()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as opened:
        for entry_id, row in entries:
            line = f"{as_json(row, entry_id=entry_id)}\n".encode("ascii")
            digest.update(line)
            opened.write(line)
        opened.flush()
        os.fsync(opened.fileno())
    return digest.hexdigest()
