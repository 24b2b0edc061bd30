"""Fills the example site and serves it: `serve_site.py PORT`, settings by the environment."""

from __future__ import annotations

import sys
from decimal import Decimal

import django
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.utils import timezone

PASSWORD = "Tr0ub4dor&3"
PEOPLE = 150
ADMINS = 40


def fill() -> None:
    """Make people whose bills and banks are found by their number, and administrators."""
    call_command("migrate", verbosity=0)
    call_command("load_example", limit=30, verbosity=0)
    user = get_user_model()
    password = make_password(PASSWORD)
    people = [user(email=f"p{n}@example.org", password=password) for n in range(1, PEOPLE + 1)]
    admins = [
        user(email=f"a{n}@example.org", password=password, is_staff=True, is_superuser=True)
        for n in range(1, ADMINS + 1)
    ]
    user.objects.bulk_create(people + admins)
    _add_bills(people)


def _add_bills(people: list) -> None:
    from tracker.models import BankConnection, Bill, Payee  # noqa: PLC0415 (needs the apps)

    payee = Payee.objects.order_by("pk")[0]
    due = timezone.localdate()
    Bill.objects.bulk_create(
        Bill(owner=person, payee=payee, amount=Decimal("12.50"), currency="EUR", due_on=due)
        for person in people
    )
    for person in people:
        BankConnection.objects.create(
            owner=person, name="My bank", access_url="https://user:canary@bank.example/"
        )


if __name__ == "__main__":
    django.setup()
    fill()
    call_command("runserver", "--noreload", "--skip-checks", f"127.0.0.1:{sys.argv[1]}")
