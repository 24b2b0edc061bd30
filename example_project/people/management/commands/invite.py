"""`manage.py invite ADDRESS`: mail somebody a link to make an account with."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from bt_security import tokens
from people.mails import send_link


class Command(BaseCommand):
    help = "Mails an invitation, which is good for one account and one week."

    def add_arguments(self, parser):
        parser.add_argument("address")

    def handle(self, *args, **options):
        token = tokens.issue("invite", options["address"])
        sentence = "Make your account within a week:"
        send_link(options["address"], "An invitation", sentence, "people:sign-up", token)
