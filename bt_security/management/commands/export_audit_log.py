"""`manage.py export_audit_log`: entries for a SIEM, an auditor or a spreadsheet."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bt_security.audit.reading.csv_export import csv_lines
from bt_security.audit.reading.export import Choice, Exported, exported, settled
from bt_security.audit.reading.jsonl_export import json_lines
from bt_security.audit.reading.moments import parse_moment
from bt_security.audit.reading.ocsf import ocsf_lines
from bt_security.audit.recording import record
from bt_security.exceptions import BTSecurityError

FORMATS = ("jsonl", "csv", "ocsf")
LINES_AT_ONCE = 1_000


class Command(BaseCommand):
    """Stream entries as JSON lines, CSV or OCSF events; the export itself is recorded first."""

    help = (
        "Exports entries of the audit log: jsonl with every column as in an archive, csv for "
        "spreadsheets, ocsf for a SIEM. Personal data stay sealed without --with-personal-data. "
        "To go on later, give the last uid to --after, or, so that entries of slow transactions "
        "are never missed, the last seal to --after-seal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--format", choices=FORMATS, default="jsonl")
        start = parser.add_mutually_exclusive_group()
        start.add_argument("--after", type=UUID, metavar="UID", help="entries after this one")
        start.add_argument(
            "--after-seal",
            type=_seal_number,
            metavar="SEQ",
            help="what seals after this one cover, each entry once; 0 = all that is sealed",
        )
        parser.add_argument("--since", type=_moment, help="recorded at this time or later")
        parser.add_argument("--until", type=_moment, help="recorded before this time")
        parser.add_argument("--output", type=Path, metavar="FILE", help="instead of the output")
        parser.add_argument(
            "--with-personal-data",
            action="store_true",
            help="open addresses, browsers and names",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Record the export, then write it.

        Raises:
            CommandError: it cannot be recorded, or not be exported as asked.
        """
        choice = settled(
            Choice(
                after=options["after"],
                after_seal=options["after_seal"],
                since=options["since"],
                until=options["until"],
                with_personal=options["with_personal_data"],
            )
        )
        try:
            record("audit.exported", details=_said(choice, options))
            count = self._export(choice, options)
        except (BTSecurityError, OSError) as error:
            raise CommandError(f"nothing complete was exported: {error}") from None
        if options["output"] is not None:
            self.stdout.write(f"{count} entries exported, up to {_end(choice)}.")
        else:
            self.stderr.write(f"{count} entries exported, up to {_end(choice)}.")

    def _export(self, choice: Choice, options: dict[str, Any]) -> int:
        counted = _Counted(exported(choice))
        lines = _lines(counted, options["format"], with_personal=choice.with_personal)
        if options["output"] is not None:
            _write_file(options["output"], lines)
        else:
            self._write_out(lines)
        return counted.count

    def _write_out(self, lines: Iterator[str]) -> None:
        try:
            for text in _joined(lines):
                self.stdout.write(text, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # Python would try to write the rest once more at exit, and complain again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("whoever reads the output has stopped") from None


class _Counted:
    """Counts what passes through."""

    def __init__(self, entries: Iterable[Exported]) -> None:
        self.count = 0
        self._entries = entries

    def __iter__(self) -> Iterator[Exported]:
        for entry in self._entries:
            self.count += 1
            yield entry


def _lines(entries: Iterable[Exported], form: str, *, with_personal: bool) -> Iterator[str]:
    if form == "csv":
        return csv_lines(entries, with_personal=with_personal)
    return ocsf_lines(entries) if form == "ocsf" else json_lines(entries)


def _joined(lines: Iterator[str]) -> Iterator[str]:
    return iter(partial(_join_some, lines), "")


def _join_some(lines: Iterator[str]) -> str:
    return "".join(islice(lines, LINES_AT_ONCE))


def _write_file(file: Path, lines: Iterator[str]) -> None:
    """Write a file that is there under its name only when it is complete; its mode is 0600."""
    descriptor, name = tempfile.mkstemp(
        prefix=f".{file.name}.", suffix=".part", dir=file.absolute().parent
    )
    try:
        with os.fdopen(descriptor, "w", encoding="ascii", newline="") as unfinished:
            unfinished.writelines(_joined(lines))
            unfinished.flush()
            os.fsync(unfinished.fileno())
        os.replace(name, file)
    finally:
        Path(name).unlink(missing_ok=True)


def _end(choice: Choice) -> str:
    if choice.after_seal is not None:
        return f"seal {choice.last_seal}"
    return f"the entry with id {choice.last_id}"


def _said(choice: Choice, options: dict[str, Any]) -> dict[str, Any]:
    """Return what the entry says of the export."""
    said = {
        "format": options["format"],
        "after": choice.after,
        "after_seal": choice.after_seal,
        "since": choice.since,
        "until": choice.until,
        "last_id": choice.last_id,
        "last_seal": choice.last_seal,
        "with_personal_data": choice.with_personal,
    }
    return {name: value for name, value in said.items() if value is not None}


def _moment(text: str) -> datetime:
    try:
        return parse_moment(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _seal_number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"not the number of a seal: {text!r}")
    return int(text)
