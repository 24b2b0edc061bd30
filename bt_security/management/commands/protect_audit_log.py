"""`manage.py protect_audit_log`: let the database itself refuse changes of the audit log."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bt_security.audit.retention.protecting import Protection, install, remove, status
from bt_security.exceptions import AuditUnavailable, ProtectionRefused

WORK = {"install": install, "remove": remove, "status": status}


class Command(BaseCommand):
    """Install, remove or show the triggers that keep the log append-only."""

    help = (
        "Installs triggers that refuse to change entries, seals and retention records, and to "
        "delete entries that no retention record covers. Run it again after a migration of this "
        "package. Exit status 1: the triggers do not stand as they should; where the account "
        "lacks the rights, the SQL for an administrator is printed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        work = parser.add_mutually_exclusive_group(required=True)
        work.add_argument(
            "--install", dest="work", action="store_const", const="install", help="install them"
        )
        work.add_argument(
            "--remove", dest="work", action="store_const", const="remove", help="remove them"
        )
        work.add_argument(
            "--status", dest="work", action="store_const", const="status", help="show them"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and print how the log is protected now.

        Raises:
            CommandError: the database refuses, or triggers are missing that should be there.
        """
        try:
            protection = WORK[options["work"]]()
        except ProtectionRefused as refusal:
            self.stdout.write("".join(f"{statement};\n" for statement in refusal.statements))
            raise CommandError(str(refusal)) from None
        except AuditUnavailable as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            json.dumps(asdict(protection)) if options["json"] else "\n".join(_lines(protection))
        )
        if options["work"] != "remove" and not protection.is_whole:
            raise CommandError(
                "The log is not protected: run manage.py protect_audit_log --install."
            )


def _lines(protection: Protection) -> list[str]:
    return [
        *(f"standing  {name}" for name in protection.standing),
        *(f"missing   {name}" for name in protection.missing),
    ]
