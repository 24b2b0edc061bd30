"""The look-up of places as a task of Django's; loaded only where the site has a queue for tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import VERSION

from bt_security.history.locating import locate

if TYPE_CHECKING or VERSION >= (6, 0):
    from django.tasks import task
else:
    from django_tasks import task


@task
def locate_login(event_pk: int) -> None:
    """Locate a log-in, given by its primary key."""
    locate(event_pk)
