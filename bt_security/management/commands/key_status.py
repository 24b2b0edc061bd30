"""`manage.py key_status`: which keys there are, and what is sealed with them."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.connection import ConnectionDoesNotExist

from bt_security.exceptions import BTSecurityError
from bt_security.rotation.status import key_status
from bt_security.rotation.tables import status_table


class Command(BaseCommand):
    """Print source, state, key ids and values per column and key; opens nothing."""

    help = (
        "Shows where the key comes from and how many values each key holds. With --fail-on-old "
        "the exit status is 1 while any value needs rotate_keys."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--fail-on-old", action="store_true", help="exit 1 if anything is old")
        parser.add_argument("--database", help="one database alias only")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the status.

        Raises:
            CommandError: values are old and `--fail-on-old` was given, or the keys are unusable.
        """
        try:
            status = key_status(using=options["database"])
        except (BTSecurityError, ConnectionDoesNotExist) as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(status.as_json()))
        else:
            self.stdout.write(status_table(status))
        if options["fail_on_old"] and status.needs_old_keys:
            raise CommandError(status.needs_old_keys)
