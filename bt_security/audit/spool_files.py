"""Files of what a database did not take: complete, on the disk, and stored once."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from django.db import Error, connections, transaction

from bt_security.exceptions import BTSecurityError

SUFFIX = ".jsonl"
REFUSED_SUFFIX = ".refused"
FILE_MODE = 0o600
DIRECTORY_MODE = 0o700

T = TypeVar("T")
Read = Callable[[str], list[T]]
Store = Callable[[list[T]], int]


@dataclass(frozen=True)
class SpoolFiles:
    """The files of one directory, whose name is read when it is needed; "" = there is none.

    `what` says in the log what they hold, such as "entries".
    """

    directory: Callable[[], str]
    log: logging.Logger
    what: str

    def keep(self, name: str, text: str) -> bool:
        """Write a file, which appears under its name only when it is complete and on the disk.

        Returns False where there is no directory.

        Raises:
            OSError: it could not be written.
        """
        directory = self.directory()
        if directory:
            _write(Path(directory), name, text)
        return bool(directory)

    def waiting(self) -> list[Path]:
        """Return the files that wait, the oldest first; none where they cannot be looked for."""
        directory = self.directory()
        try:
            names = os.listdir(directory) if directory else []
        except FileNotFoundError:  # nothing has ever waited
            return []
        except OSError as error:
            self.log.error("Spooled %s cannot be found: %s.", self.what, type(error).__name__)
            return []
        return sorted(Path(directory, name) for name in names if name.endswith(SUFFIX))

    def replay(
        self, read: Read[T], store: Store[T], *, using: str, max_files: int | None = None
    ) -> int:
        """Have `store` take each file in a transaction of its own; return the sum of its results.

        `read` returns what a file's text holds, [] if it is not of this log: then it is renamed
        and logged. Where `read` raises `BTSecurityError`, or the database still refuses, the file
        stays for the next time.
        """
        stored = 0
        for file in self.waiting()[:max_files]:
            found = self._found(file, read)
            if not found:
                continue
            try:
                with transaction.atomic(using=using):
                    count = store(found)
            except Error as error:
                self._say_wait(error)
                if not connections[using].in_atomic_block:
                    connections[using].close_if_unusable_or_obsolete()
                continue
            file.unlink(missing_ok=True)
            stored += count
        return stored

    def _say_wait(self, error: Exception) -> None:
        self.log.error("Spooled %s still wait: %s.", self.what, type(error).__name__)

    def _found(self, file: Path, read: Read[T]) -> list[T]:
        """Return what a file holds, [] if it cannot be read now or was set aside."""
        try:
            if found := read(file.read_text(encoding="ascii", errors="replace")):
                return found
            file.rename(file.with_suffix(REFUSED_SUFFIX))
        except FileNotFoundError:
            return []  # another process was faster
        except OSError as error:
            self.log.error("A spooled file cannot be read: %s.", type(error).__name__)
            return []
        except BTSecurityError as error:
            self._say_wait(error)
            return []
        self.log.critical("A spooled file is not of this log; it was set aside.")
        return []


def sync_directory(directory: Path) -> None:
    """Bring the names of new files to the disk as well."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(directory: Path, name: str, text: str) -> None:
    directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    unfinished = directory / f"{name}.part"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(directory / f"{name}{SUFFIX}")
    except OSError:  # the disk is full: what is left of it would stay for good
        unfinished.unlink(missing_ok=True)
        raise
    sync_directory(directory)
