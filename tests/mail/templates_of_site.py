"""Mail templates of a site, which come before those of the package."""

from __future__ import annotations

import copy

SUBJECT = "bt_security/mail/note.subject.txt"
TEXT = "bt_security/mail/note.txt"
PAGE = "bt_security/mail/note.html"

NOTE = {
    SUBJECT: "{% autoescape off %}A note\r\nfor {{ name }}\n{% endautoescape %}",
    TEXT: (
        "{% load i18n %}{% get_current_language as code %}"
        "{% autoescape off %}{{ name }} {{ code }} {{ when|date:'H:i e' }}{% endautoescape %}"
    ),
    PAGE: "<p>{{ name }}</p>",
}


def with_templates(settings, texts):
    """Put templates before all others."""
    engines = copy.deepcopy(settings.TEMPLATES)
    options = engines[0].setdefault("OPTIONS", {})
    engines[0].pop("APP_DIRS", None)
    options["loaders"] = [
        ("django.template.loaders.locmem.Loader", texts),
        "django.template.loaders.app_directories.Loader",
    ]
    settings.TEMPLATES = engines
