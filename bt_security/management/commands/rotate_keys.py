"""`manage.py rotate_keys`: seal every stored value under the newest key."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bt_security.exceptions import BTSecurityError, RotationRefused
from bt_security.keys.purpose import new_generation
from bt_security.rotation.inventory import forget_database
from bt_security.rotation.progress import expected_rows, progress
from bt_security.rotation.report import Report
from bt_security.rotation.run import Choice, chosen_tables, count_values, rotate
from bt_security.rotation.tables import report_table, what_is_left
from bt_security.rotation.target import retire_database_key, rotation_keyring
from bt_security.rotation.verify import verify_tables

NOTHING_DONE = 1
SOME_LEFT = 3


class Command(BaseCommand):
    """Re-seal, verify, or count what is old. Keys come from the environment, never from argv."""

    help = (
        "Seals every encrypted value under the newest key. Without --online everything happens "
        "in one transaction per database, all or nothing. Exit status: 0 done, 1 nothing done "
        "because of an error, 3 finished with values that were skipped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        how = parser.add_argument_group("how")
        how.add_argument("--online", action="store_true", help="committed batches, site running")
        how.add_argument("--workers", type=int, default=1, help="processes (with --online)")
        how.add_argument("--max-rate", type=float, help="rows per second (with --online)")
        how.add_argument("--batch-size", type=int, default=1000, help="rows per statement")
        how.add_argument("--skip-errors", action="store_true", help="leave bad values, go on")
        how.add_argument(
            "--from-database-key",
            action="store_true",
            help="open e1: values once more after the move to an operator key was done",
        )
        what = parser.add_argument_group("what")
        what.add_argument("--model", action="append", default=[], help="app.Model, repeatable")
        what.add_argument("--database", help="one database alias only")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--dry-run", action="store_true", help="count, change nothing")
        instead.add_argument("--verify", action="store_true", help="open all, change nothing")
        instead.add_argument(
            "--retire-database-key", action="store_true", help="delete the unused database key"
        )
        instead.add_argument(
            "--new-purpose-key", metavar="PURPOSE", help="add a key for digests after a leak"
        )
        instead.add_argument(
            "--forget-database",
            metavar="ALIAS",
            help="give up the sealed values of a database that is not in DATABASES any more",
        )
        output = parser.add_argument_group("output")
        output.add_argument("--json", action="store_true", help="print the report as JSON")
        output.add_argument("--yes", action="store_true", help="do not ask")
        output.add_argument("--no-progress", action="store_true", help="no progress lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked.

        Raises:
            CommandError: with the exit status in `returncode`.
        """
        try:
            self._run(options)
        except (BTSecurityError, ImproperlyConfigured) as error:
            raise CommandError(str(error), returncode=NOTHING_DONE) from None

    def _run(self, options: dict[str, Any]) -> None:
        if options["retire_database_key"]:
            self._confirm(options, "Delete the database key?")
            deleted = retire_database_key()
            self.stdout.write(f"{deleted} database key(s) deleted.")
        elif options["new_purpose_key"]:
            self._confirm(options, "Add a purpose key?")
            try:
                generation = new_generation(options["new_purpose_key"])
            except ValueError as error:
                raise CommandError(str(error), returncode=NOTHING_DONE) from None
            self.stdout.write(f"{options['new_purpose_key']}: generation {generation}")
        elif options["forget_database"]:
            self._confirm(options, f"Give up what database {options['forget_database']} holds?")
            forgotten = forget_database(options["forget_database"])
            self.stdout.write(f"{forgotten} column(s) forgotten.")
        else:
            self._rotate_or_look(options, self._choice(options))

    def _choice(self, options: dict[str, Any]) -> Choice:
        if not options["online"] and (options["workers"] != 1 or options["max_rate"]):
            raise CommandError("--workers and --max-rate go with --online", returncode=NOTHING_DONE)
        if options["workers"] < 1 or options["batch_size"] < 1 or (options["max_rate"] or 1) <= 0:
            raise CommandError("numbers must be positive", returncode=NOTHING_DONE)
        return Choice(
            models=tuple(options["model"]),
            using=options["database"],
            online=options["online"],
            workers=options["workers"],
            batch_size=options["batch_size"],
            rows_per_second=options["max_rate"],
            skip_errors=options["skip_errors"],
            from_database_key=options["from_database_key"],
        )

    def _rotate_or_look(self, options: dict[str, Any], choice: Choice) -> None:
        keyring = rotation_keyring(from_database_key=choice.from_database_key)
        tables = chosen_tables(choice)
        report = count_values(tables, keyring)
        if not (options["dry_run"] or options["verify"]):
            old = sum(count.total - count.already for count in report.columns.values())
            self._confirm(options, f"Seal {old} value(s) under key {keyring.sealing_key.key_id}?")
        enabled = options["verbosity"] > 0 and not (options["no_progress"] or options["json"])
        total = expected_rows(report, everything=options["verify"])
        with progress(sys.stderr, total=total, enabled=enabled) as tick:
            if options["verify"]:
                verify_tables(keyring, tables, report, batch_size=choice.batch_size, tick=tick)
            elif not options["dry_run"]:
                self._rotate(choice, report, tick)
        self._say(options, report)

    @staticmethod
    def _rotate(choice: Choice, report: Report, tick: Any) -> None:
        try:
            rotate(choice, tick=tick, report=report)
        except RotationRefused as refusal:
            listed = "\n".join(f"  {line}" for line in what_is_left(report))
            raise CommandError(f"{refusal}\n{listed}", returncode=NOTHING_DONE) from None

    def _say(self, options: dict[str, Any], report: Report) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), default=str))
        elif options["verbosity"] > 0:
            self.stdout.write(report_table(report))
        if not report.is_complete:
            raise CommandError(
                "not everything is sealed under the newest key; no old key may be removed\n"
                + "\n".join(f"  {line}" for line in what_is_left(report)),
                returncode=SOME_LEFT,
            )

    def _confirm(self, options: dict[str, Any], question: str) -> None:
        if options["yes"]:
            return
        if sys.stdin is None or not sys.stdin.isatty():
            raise CommandError("nothing done: confirm with --yes", returncode=NOTHING_DONE)
        if input(f"{question} Type yes: ").strip() != "yes":
            raise CommandError("nothing done", returncode=NOTHING_DONE)
