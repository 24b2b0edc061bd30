"""`manage.py prune_security_logs`: delete what is too old in the logs of the package."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from bt_security import history
from bt_security.conf.history import MAX_KEPT_DAYS
from bt_security.exceptions import BTSecurityError
from bt_security.history.kinds import NAMES, Kind, all_kinds
from bt_security.history.pruning import prune
from bt_security.models.batches import BATCH_ROWS

FAILED = 1


class Command(BaseCommand):
    """Store what waits in the spool of the login history, then delete by kinds of logs."""

    help = (
        "Deletes log-ins, ended sessions, forgotten browsers, used tokens and counted violations "
        "of the content security policy that are older than they are kept, a batch at a time; "
        "the audit log has a command of its own. Stores the log-ins that wait in the spool first. "
        "Run it daily. Exit status: 0 done, 1 an error ended the work on at least one log."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="say what it would do")
        parser.add_argument(
            "--only", action="append", choices=NAMES, metavar="KIND", help=", ".join(NAMES)
        )
        parser.add_argument(
            "--kept-days", type=int, help="instead of BT_SECURITY_HISTORY_KEPT_DAYS"
        )
        parser.add_argument(
            "--unknown-kept-days",
            type=int,
            help="instead of BT_SECURITY_HISTORY_UNKNOWN_KEPT_DAYS",
        )
        parser.add_argument(
            "--batch-size", type=int, default=BATCH_ROWS, help="rows per transaction"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prune, or say what would be pruned.

        Raises:
            CommandError: an option makes no sense, or there was an error; the exit status is 1.
        """
        _judge(options)
        try:
            kinds = _chosen(options)
        except ImproperlyConfigured as error:
            raise CommandError(f"Nothing was pruned: {error}.", returncode=FAILED) from None
        self._failed: list[str] = []
        # First: what waited may be too old by now.
        spooled = 0 if options["dry_run"] else history.replay_spool()
        counts = {kind: self._done(kind, options) for kind in kinds}
        self._say(options, counts, spooled)
        if self._failed:
            raise CommandError(f"Not done: {'; '.join(self._failed)}.", returncode=FAILED)

    def _done(self, kind: Kind, options: dict[str, Any]) -> int | None:
        """Return how many rows were or would be deleted, None where an error ended it."""
        try:
            if options["dry_run"]:
                return kind.count()
            return prune(kind, batch_rows=options["batch_size"])
        except (BTSecurityError, Error) as error:
            self._failed.append(f"{kind.name} ({type(error).__name__})")
            return None

    def _say(self, options: dict[str, Any], counts: dict[Kind, int | None], spooled: int) -> None:
        if options["json"]:
            rows = {kind.name: count for kind, count in counts.items()}
            said = {"dry_run": options["dry_run"], "rows": rows, "spooled": spooled}
            self.stdout.write(json.dumps(said))
            return
        if spooled:
            self.stdout.write(f"Stored {spooled} log-ins that had waited in the spool.")
        verb = "Would delete" if options["dry_run"] else "Deleted"
        for kind, count in counts.items():
            if count is not None:
                self.stdout.write(f"{verb} {count:>9,}  {kind.help} ({kind.name})")


def _judge(options: dict[str, Any]) -> None:
    """Refuse numbers that make no sense.

    Raises:
        CommandError: there is one.
    """
    if options["batch_size"] < 1:
        raise CommandError("Nothing was pruned: --batch-size must be positive.", returncode=FAILED)
    for name in ("kept_days", "unknown_kept_days"):
        days = options[name]
        if days is not None and not 1 <= days <= MAX_KEPT_DAYS:
            raise CommandError(
                f"Nothing was pruned: --{name.replace('_', '-')} is a number of days from 1 to "
                f"{MAX_KEPT_DAYS}.",
                returncode=FAILED,
            )


def _chosen(options: dict[str, Any]) -> list[Kind]:
    found = all_kinds(
        kept_days=options["kept_days"] or 0, unknown_kept_days=options["unknown_kept_days"] or 0
    )
    return [kind for kind in found if kind.name in (options["only"] or NAMES)]
