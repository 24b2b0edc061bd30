"""`manage.py erase_audit_subject`: make one person's data in the audit log unreadable."""

from __future__ import annotations

import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bt_security.audit.retention.erasing import erase
from bt_security.exceptions import BTSecurityError


class Command(BaseCommand):
    """Delete the data key of a subject; every entry stays and goes on verifying."""

    help = (
        "Makes address, browser, name and whatever else was recorded as personal data of one "
        "person unreadable for good, also in archives. Backups of the database still have the "
        "key until they are gone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("subject", help="user:ID, or anonymous:YEAR-MONTH")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase and say whether there was anything.

        Raises:
            CommandError: no such subject, a legal hold, or the answer was not "yes".
        """
        subject = options["subject"]
        if not options["yes"] and not _confirms(
            f"Erase the data of {subject} for good? Type yes: "
        ):
            raise CommandError('Nothing was erased. Answer "yes", or use --yes.')
        try:
            was_there = erase(subject)
        except (BTSecurityError, ImproperlyConfigured, ValueError) as error:
            raise CommandError(f"Nothing was erased: {error}.") from None
        self.stdout.write(
            f"The data of {subject} cannot be read any more."
            if was_there
            else f"The log has no personal data of {subject}."
        )


def _confirms(question: str) -> bool:
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    return input(question).strip() == "yes"
