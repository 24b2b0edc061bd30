"""`manage.py verify_audit_log`: read the whole audit log and say whether it can be believed."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from bt_security.audit.verification.findings import Verdict
from bt_security.audit.verification.verifying import Choice, verify
from bt_security.audit.writing import alias
from bt_security.exceptions import BTSecurityError
from bt_security.models import AuditEntry, AuditSeal
from bt_security.rotation.progress import progress

TAMPERED = 1
NOT_PROVABLE = 3


class Command(BaseCommand):
    """Compare entries, seals, anchors, retention records and archives; changes nothing."""

    help = (
        "Verifies the audit log. Exit status: 0 integrity and completeness are proved, 1 somebody "
        "has changed the log, 3 one of the two cannot be proved or nothing could be verified."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--since", type=_moment, help="read only entries of seals that end after this time"
        )
        parser.add_argument("--anchor", metavar="FILE", help="heads of seals that were kept")
        parser.add_argument("--archive", metavar="DIR", help="compare archives of pruned entries")
        parser.add_argument(
            "--public-key", metavar="FILE", help="PEM file: only seals of these keys count"
        )
        parser.add_argument("--workers", type=int, default=1, help="processes")
        parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
        parser.add_argument("--no-progress", action="store_true", help="no progress lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and print the verdict.

        Raises:
            CommandError: it is not clean, or nothing could be verified.
        """
        if options["workers"] < 1:
            raise CommandError("--workers must be positive", returncode=NOT_PROVABLE)
        try:
            verdict = self._verify(options)
        except (BTSecurityError, ImproperlyConfigured, OSError) as error:
            raise CommandError(f"not verified: {error}", returncode=NOT_PROVABLE) from None
        if options["json"]:
            self.stdout.write(json.dumps(verdict.as_json()))
        else:
            self._print(verdict)
        if verdict.is_tampered:
            raise CommandError("the audit log was changed", returncode=TAMPERED)
        if not verdict.is_clean:
            raise CommandError("the audit log is not proved", returncode=NOT_PROVABLE)

    def _verify(self, options: dict[str, Any]) -> Verdict:
        choice = Choice(
            since=options["since"],
            anchors=options["anchor"],
            archive=options["archive"],
            public_key=options["public_key"],
            workers=options["workers"],
        )
        is_shown = options["verbosity"] > 0 and not (options["no_progress"] or options["json"])
        total = _expected() if is_shown else 0
        with progress(sys.stderr, total=total, enabled=is_shown) as tick:
            return verify(choice, tick=tick)

    def _print(self, verdict: Verdict) -> None:
        for finding in verdict.findings:
            self.stdout.write(str(finding))
        counted = f"{verdict.entries} sealed entries in {verdict.seals} seals"
        archived = f", {verdict.archived} archived" if verdict.archived else ""
        self.stdout.write(f"{counted}, {verdict.unsealed} not sealed yet{archived}")
        self.stdout.write(f"integrity: {verdict.integrity}")
        self.stdout.write(f"completeness: {verdict.completeness}")
        if not verdict.is_recorded:
            self.stderr.write("the log did not take the entry that says that it was verified")


def _expected() -> int:
    """Estimate the entries by their ids: counting them would read the whole index."""
    last = AuditEntry.objects.using(alias()).order_by("-id").values_list("id", flat=True).first()
    sealed = AuditSeal.objects.using(alias()).order_by("seq").values_list("after_id", flat=True)
    return (last or 0) - (sealed.first() or 0)


def _moment(text: str) -> datetime:
    """Return a date or a time, in the site's time zone where it names none."""
    moment = parse_datetime(text)
    if moment is None:
        raise ValueError(text)
    return moment if moment.tzinfo else timezone.make_aware(moment)
