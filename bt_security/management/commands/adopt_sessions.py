"""`manage.py adopt_sessions`: take over the sessions of Django's own engine."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from bt_security.exceptions import StoreUnavailable
from bt_security.sessions.adopting import BATCH_ROWS, adopt


class Command(BaseCommand):
    """Move the rows of `django_session` into our engine; the visitors' cookies stay good."""

    help = (
        "Moves the sessions of Django's own engine into that of SESSION_ENGINE and deletes the "
        "old rows, whose keys anyone can use who reads them. Nobody is logged out. It can be run "
        "again at any time. Sessions that were in a cache alone cannot be moved."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--model", default="sessions.Session", help="app.Model of the old rows")
        parser.add_argument("--batch-size", type=int, default=BATCH_ROWS, help="rows at a time")

    def handle(self, *args: Any, **options: Any) -> None:
        """Move them and say how many.

        Raises:
            CommandError: there is no such table, the engine is none of ours, or does not answer.
        """
        try:
            model = apps.get_model(options["model"])
        except (LookupError, ValueError):
            raise CommandError(
                f"{options['model']} is no installed model. Is django.contrib.sessions in "
                "INSTALLED_APPS?"
            ) from None
        if not issubclass(model, AbstractBaseSession):
            raise CommandError(f"{options['model']} holds no sessions of Django.")
        try:
            done = adopt(model, batch_rows=max(1, options["batch_size"]))
        except (DatabaseError, ImproperlyConfigured, StoreUnavailable) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Moved {done.moved}, dropped {done.dropped} (expired {done.expired}, empty or not "
            f"readable {done.unreadable}, user gone or password changed {done.ended})."
        )
        if done.unknown_backends:
            self.stderr.write(
                "Some came in by backends that AUTHENTICATION_BACKENDS does not have, and are let "
                f"in again once it has them: {', '.join(sorted(done.unknown_backends))}."
            )
