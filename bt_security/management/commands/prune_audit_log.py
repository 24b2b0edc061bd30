"""`manage.py prune_audit_log`: delete old entries, and leave signed evidence of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bt_security.audit.reading.moments import parse_moment
from bt_security.audit.retention.prune_rows import BATCH_ROWS
from bt_security.audit.retention.pruning import Outlook, Pruned, look, prune
from bt_security.exceptions import BTSecurityError


class Command(BaseCommand):
    """Delete the entries of whole seals, oldest first, up to a date."""

    help = (
        "Deletes the entries of every seal that is wholly older than a date, after a signed "
        "retention record: verify_audit_log goes on proving the rest and says what was pruned. "
        "Unsealed entries stay, and so does everything from a seal under legal hold on. A run "
        "that was killed is finished by the next one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--before", required=True, help="date or time, ISO 8601")
        parser.add_argument("--archive", metavar="DIR", help="write the entries to a file first")
        parser.add_argument("--dry-run", action="store_true", help="say what it would do")
        parser.add_argument(
            "--accept-missing",
            action="store_true",
            help="prune although sealed entries are gone already; the log says how many",
        )
        parser.add_argument(
            "--batch-size", type=int, default=BATCH_ROWS, help="entries per statement"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prune, or say what would be pruned.

        Raises:
            CommandError: nothing was pruned, or the archive could not be written.
        """
        if options["batch_size"] < 1:
            raise CommandError("Nothing was pruned: numbers must be positive.")
        try:
            before = parse_moment(options["before"])
            outlook = look(before)
            if options["dry_run"]:
                self._say(options, _seen(outlook), f"Would delete {_amount(outlook)}.")
                return
            if not options["yes"] and not _confirms(f"Delete {_amount(outlook)}? Type yes: "):
                raise CommandError('Nothing was pruned. Answer "yes", or use --yes.')
            pruned = prune(
                before=before,
                directory=Path(options["archive"]) if options["archive"] else None,
                accept_missing=options["accept_missing"],
                batch_rows=options["batch_size"],
            )
        except (BTSecurityError, ImproperlyConfigured, OSError, ValueError) as error:
            raise CommandError(f"Nothing was pruned: {error}.") from None
        self._say(options, _done(pruned), f"Deleted {pruned.deleted} entries.")

    def _say(self, options: dict[str, Any], facts: dict[str, Any], sentence: str) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(sentence)
        if facts.get("finished"):
            self.stdout.write(f"{facts['finished']} more had been left by a run that was stopped.")
        if facts["held_seal"]:
            self.stdout.write(f"Seal {facts['held_seal']} is under legal hold: nothing after it.")
        if facts.get("archive"):
            self.stdout.write(f"Archive: {facts['archive']}")


def _amount(outlook: Outlook) -> str:
    if not outlook.run.seals:
        return "no entries: no seal is wholly older"
    first, last = outlook.run.seals[0].seq, outlook.run.seals[-1].seq
    gone = f", of which {outlook.missing} are missing already" if outlook.missing else ""
    return f"the {outlook.run.count} entries of the seals {first} to {last}{gone}"


def _seen(outlook: Outlook) -> dict[str, Any]:
    seals = [outlook.run.seals[0].seq, outlook.run.seals[-1].seq] if outlook.run.seals else []
    return {
        "seals": seals,
        "entries": outlook.run.count,
        "missing": outlook.missing,
        "held_seal": outlook.held_seq,
    }


def _done(pruned: Pruned) -> dict[str, Any]:
    made = pruned.record
    return {
        "record": made.seq if made else None,
        "seals": [made.first_seq, made.last_seq] if made else [],
        "entries": made.count if made else 0,
        "deleted": pruned.deleted,
        "finished": pruned.finished,
        "held_seal": pruned.held_seq,
        "archive": str(pruned.archive) if pruned.archive else "",
    }


def _confirms(question: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    return input(question).strip() == "yes"
