"""`manage.py end_sessions`: log out one user, or everybody."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bt_security import sessions
from bt_security.conf import conf


class Command(BaseCommand):
    """End sessions on both engines; each is over with its next request."""

    help = "Ends all sessions of one user, or of everybody, and says how many there were."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", metavar="NAME|ID", help="log-in name or primary key")
        whose.add_argument("--all", action="store_true", help="everybody's")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """End the sessions.

        Raises:
            CommandError: the feature is off, there is no such user, or the answer was not "yes".
        """
        if not conf.has_feature("sessions"):
            raise CommandError('BT_SECURITY_FEATURES does not have "sessions": none are ours.')
        user = None if options["all"] else _find(options["user"])
        whose = "everybody" if user is None else f"the user with the primary key {user.pk}"
        if not options["yes"] and not _confirms(f"End all sessions of {whose}? [yes/no] "):
            raise CommandError('Nothing was changed. Answer "yes", or use --yes.')
        count = sessions.revoke_everybody() if user is None else sessions.revoke_all(user)
        self.stdout.write(f"Ended {count} session{'' if count == 1 else 's'} of {whose}.")


def _confirms(question: str) -> bool:
    try:
        return input(question) == "yes"
    except EOFError:  # nobody is there to answer
        return False


def _find(text: str) -> AbstractBaseUser:
    """Return the user of a log-in name or primary key.

    Raises:
        CommandError: there is none, or name and primary key mean two.
    """
    users = get_user_model()._base_manager
    found = {user.pk: user for user in users.filter(**{get_user_model().USERNAME_FIELD: text})}
    with suppress(ValueError, ValidationError):  # a name that is no primary key
        found |= {user.pk: user for user in users.filter(pk=text)}
    if not found:
        raise CommandError("There is no such user.")
    if len(found) > 1:
        raise CommandError("That is the name of one user and the primary key of another.")
    return next(iter(found.values()))
