"""Mails about log-ins that their owner should know of."""

from __future__ import annotations

from django.http import HttpRequest

from bt_security.models import LoginEvent


def notify(event: LoginEvent, request: HttpRequest | None) -> None:
    """Send the mail that a stored event is worth, after commit. Never raises."""
