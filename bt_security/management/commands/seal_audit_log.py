"""`manage.py seal_audit_log`: seal what the audit log has gained."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.db.models import Max

from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.seals.sealing import release, seals, store_spooled
from bt_security.audit.seals.signing import generate_key, signer
from bt_security.audit.writing import alias
from bt_security.exceptions import BTSecurityError
from bt_security.models import AuditEntry, AuditSeal
from bt_security.rotation.progress import progress

FAILED = 1


class Command(BaseCommand):
    """Seal once or again and again, or handle the signing key."""

    help = (
        "Stores the entries that wait in the spool and seals all that is not sealed yet. "
        "Exit status: 0 done, 1 not sealed because of an error."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--watch", type=float, metavar="SECONDS", help="go on, with a pause between rounds"
        )
        instead.add_argument(
            "--public-key", action="store_true", help="print the public key, for an auditor"
        )
        instead.add_argument(
            "--generate-key",
            type=Path,
            metavar="FILE",
            help="write a new signing key for BT_SECURITY_AUDIT_SIGNING_KEY_FILE, print its "
            "public key",
        )
        parser.add_argument("--json", action="store_true", help="print numbers as JSON")
        parser.add_argument("--no-progress", action="store_true", help="no progress lines")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked.

        Raises:
            CommandError: it failed; the exit status is 1.
        """
        if options["watch"] is not None and options["watch"] <= 0:
            raise CommandError("--watch takes a number of seconds above 0", returncode=FAILED)
        if options["watch"]:
            self._watch(options)
            return
        try:
            self._run(options)
        except (BTSecurityError, ImproperlyConfigured, Error, OSError) as error:
            raise CommandError(f"{type(error).__name__}: {error}", returncode=FAILED) from None

    def _run(self, options: dict[str, Any]) -> None:
        if options["generate_key"]:
            self.stdout.write(generate_key(options["generate_key"]).public_pem(), ending="")
        elif options["public_key"]:
            own = signer()
            if own is None:
                raise CommandError("this host has public keys only", returncode=FAILED)
            self.stdout.write(own.public_pem(), ending="")
        else:
            self._say(options, self._seal(options))

    def _watch(self, options: dict[str, Any]) -> None:
        """Seal until interrupted; a round that fails is said and does not end it."""
        try:
            while True:
                self._round(options)
                time.sleep(options["watch"])
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")

    def _round(self, options: dict[str, Any]) -> None:
        try:
            done = self._seal({**options, "no_progress": True})
        except (BTSecurityError, ImproperlyConfigured, Error, OSError) as error:
            self.stderr.write(f"Not sealed: {type(error).__name__}: {error}")
        else:
            if any(done.values()):
                self._say(options, done)
        release()

    def _seal(self, options: dict[str, Any]) -> Counter[str]:
        done = Counter({"spooled": store_spooled(), "entries": 0, "seals": 0, "late": 0, "gaps": 0})
        enabled = options["verbosity"] > 0 and not (options["no_progress"] or options["json"])
        with progress(sys.stderr, total=_expected(enabled), enabled=enabled) as tick:
            for made in seals():
                tick(made.count)
                done["entries"] += made.count
                done["seals"] += 1
                done["late"] += Ranges.parse(made.late).count()
                done["gaps"] += Ranges.parse(made.gaps).count()
        return done

    def _say(self, options: dict[str, Any], done: Counter[str]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(done))
        elif options["verbosity"] > 0:
            self.stdout.write(
                f"Sealed {done['entries']} entries in {done['seals']} seals: {done['late']} late, "
                f"{done['gaps']} ids not there, {done['spooled']} from the spool."
            )


def _expected(is_wanted: bool) -> int:
    """Estimate how many entries will be sealed; ids that are not there count as well."""
    if not is_wanted:
        return 0
    highest = AuditEntry.objects.using(alias()).aggregate(highest=Max("id"))["highest"] or 0
    sealed = AuditSeal.objects.using(alias()).aggregate(sealed=Max("last_id"))["sealed"] or 0
    return max(highest - sealed, 0)
