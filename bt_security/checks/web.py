"""Checks of the package's URLs and of the bodies that its JSON API reads."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.urls import NoReverseMatch, reverse

from bt_security.checks.features import features_on
from bt_security.checks.finding import finding

NEEDING_URLS = ("sessions", "csrf", "history", "accounts")
"""Features that lack something without their routes; E103 speaks of the reports of `headers`."""


def check_urls_are_there(**_: Any) -> list[CheckMessage]:
    """Report features whose routes the site has not included (W150)."""
    wanted = [feature for feature in NEEDING_URLS if feature in features_on()]
    if not wanted or _has_urls():
        return []
    text = f"The URLs of {', '.join(wanted)} are not in the site's URLs."
    hint = 'Add path("security/", include("bt_security.urls")) to urlpatterns.'
    return [finding("W150", text, hint=hint)]


def check_body_size(**_: Any) -> list[CheckMessage]:
    """Report that a request's body may be of any size (W151)."""
    if not _has_urls() or settings.DATA_UPLOAD_MAX_MEMORY_SIZE is not None:
        return []
    text = "DATA_UPLOAD_MAX_MEMORY_SIZE is None, so anybody can fill the server's memory."
    return [finding("W151", text, hint="Leave Django's default, or set a number of bytes.")]


def _has_urls() -> bool:
    try:
        reverse("bt_security:openapi")
    except NoReverseMatch:
        return False
    return True


WEB_DEPLOY_CHECKS = (check_urls_are_there, check_body_size)
