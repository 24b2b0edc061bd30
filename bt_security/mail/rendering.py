"""From templates to a mail: a subject of one line, a text and a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.debug import sensitive_variables

FOLDER = "bt_security/mail"
HEADERS = {"Auto-Submitted": "auto-generated"}
"""Keeps machines from answering. Source: RFC 3834 section 5."""

LANGUAGE_NAMES = ("language", "language_code", "preferred_language", "locale")
"""Attributes of user models that hold a language."""


def language_of(user: AbstractBaseUser) -> str:
    """Return the language that a user has chosen, "" if the user model knows of none."""
    found = (getattr(user, name, None) for name in LANGUAGE_NAMES)
    return next((text for text in found if isinstance(text, str) and text), "")


@sensitive_variables()
def render(
    *, to: str, template: str, context: Mapping[str, Any], language: str
) -> EmailMultiAlternatives:
    """Return the mail of `bt_security/mail/<template>.subject.txt`, `.txt` and `.html`.

    In the recipient's language and the site's time zone: those of the request, if there is one,
    are of whoever sends it.
    """
    values = dict(context)
    with translation.override(_spoken(language)), timezone.override(None):
        subject, text, page = (
            render_to_string(f"{FOLDER}/{template}.{ending}", values)
            for ending in ("subject.txt", "txt", "html")
        )
    # A line break would begin another header.
    mail = EmailMultiAlternatives(" ".join(subject.split()), text, to=[to], headers=HEADERS)
    mail.attach_alternative(page, "text/html")
    return mail


def _spoken(language: str) -> str:
    """Return a language of the site: the wanted one, or `LANGUAGE_CODE`."""
    try:
        return translation.get_supported_language_variant(translation.to_language(language))
    except LookupError:
        return settings.LANGUAGE_CODE
