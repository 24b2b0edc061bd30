"""`manage.py prune_tokens`: forget what no token needs any more."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bt_security.tokens import prune
from bt_security.tokens.ledger import BATCH_ROWS


class Command(BaseCommand):
    """Delete old rows of tokens, in batches."""

    help = (
        "Deletes the records of used tokens that ended more than a day ago, and API tokens that "
        "ended more than 30 days ago. Run it daily."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--batch-size", type=int, default=BATCH_ROWS, help="rows per transaction"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Delete them and print how many there were."""
        pruned = prune(batch_rows=max(1, options["batch_size"]))
        self.stdout.write(
            f"Deleted: {pruned.uses} records of used tokens, {pruned.api_tokens} API tokens."
        )
