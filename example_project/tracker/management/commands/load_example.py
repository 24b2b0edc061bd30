"""`manage.py load_example`: fill an empty site with payees, bills and secrets.

The owner of the bills can log in if `EXAMPLE_OWNER_PASSWORD` holds a password.
"""

from __future__ import annotations

import os
import secrets
import unicodedata
from datetime import timedelta
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from tracker.models import BankConnection, Bill, Payee, SiteSettings
from tracker.register import town_payees

OWNER = "owner@example.org"
BILLS = 200
BANKS = 3


class Command(BaseCommand):
    help = "Fills an empty site: payees from a public register, random credentials and bills."

    def add_arguments(self, parser):
        parser.add_argument("--limit", type=int, help="so many payees (default: all)")

    @transaction.atomic
    def handle(self, *args, **options):
        if Payee.objects.exists():
            raise CommandError("this site has payees already")
        payees = Payee.objects.bulk_create(town_payees(options["limit"]), batch_size=2000)
        password = os.environ.get("EXAMPLE_OWNER_PASSWORD")
        owner = get_user_model().objects.create_user(OWNER, password)
        self._add_secrets(owner)
        Bill.objects.bulk_create(
            Bill(
                owner=owner,
                payee=payee,
                amount=Decimal(secrets.randbelow(100_000)) / 100,
                currency="EUR",
                due_on=timezone.localdate() + timedelta(days=number),
                customer_number=f"{secrets.randbelow(10**9):09}",
            )
            for number, payee in enumerate(payees[:BILLS])
        )
        scripts = {script(payee.other_name or payee.name) for payee in payees}
        if options["verbosity"]:
            self.stdout.write(f"{len(payees)} payees with names in {len(scripts)} scripts loaded.")

    @staticmethod
    def _add_secrets(owner):
        for number in range(1, BANKS + 1):
            BankConnection.objects.create(
                owner=owner,
                name=f"Bank {number}",
                access_url=f"https://{secrets.token_hex(8)}:{secrets.token_hex(16)}@example.org/",
            )
        SiteSettings.objects.create(
            smtp_host="smtp.example.org",
            smtp_user=OWNER,
            smtp_password=secrets.token_urlsafe(),
            oidc_issuer="https://login.example.org",
            oidc_client_id="bill-tracker",
            oidc_client_secret=secrets.token_urlsafe(),
        )


def script(name: str) -> str:
    """Return the writing system of a name's first letter."""
    letters = (unicodedata.name(character, "") for character in name if character.isalpha())
    return next(letters, "").partition(" ")[0]
