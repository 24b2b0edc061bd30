"""The look-up of places as a task of Django's; loaded only where the site has a queue for tasks."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django import VERSION

from bt_security.history.locating import locate

# Django 5.2 has it from the package that became a part of Django.
tasks: Any = import_module("django.tasks" if VERSION >= (6, 0) else "django_tasks")


@tasks.task  # type: ignore[untyped-decorator]
def locate_login(event_pk: int) -> None:
    """Locate a log-in, given by its primary key."""
    locate(event_pk)
