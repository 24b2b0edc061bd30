"""Mail backends of a site."""

from __future__ import annotations

import django
from django.core.mail.backends.base import BaseEmailBackend


class Breaking(BaseEmailBackend):
    """A backend whose server quotes what it was given."""

    def send_messages(self, messages):
        raise RuntimeError(f"refused: {messages[0].to} {messages[0].body}")


def use(settings, backend):
    """Let a site send its mails by a backend."""
    place = f"{backend.__module__}.{backend.__qualname__}"
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": place}}
    else:
        settings.EMAIL_BACKEND = place
