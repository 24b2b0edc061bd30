"""`manage.py generate_key`: print a new operator key."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import BaseCommand

KEY_BYTES = 48


class Command(BaseCommand):
    """Print 96 hexadecimal characters of fresh randomness and nothing else."""

    help = (
        "Prints a new key for TOKEN_ENCRYPTION_KEY: 48 random bytes as 96 hexadecimal "
        "characters. Changes nothing; needs no database and no valid environment."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the key and a newline to standard output."""
        self.stdout.write(secrets.token_hex(KEY_BYTES))
