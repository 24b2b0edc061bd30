"""Checks of the account pages: whether they can be shown, and whether visitors are led to them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage
from django.shortcuts import resolve_url
from django.template import TemplateDoesNotExist
from django.template.backends.django import DjangoTemplates
from django.template.loader import get_template
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve

from bt_security.checks.features import features_on, is_on
from bt_security.checks.finding import finding

BASE_TEMPLATE = "bt_security/account/base.html"
REQUEST = "django.template.context_processors.request"

WITH_PAGES = frozenset({"accounts", "history"})
LEADING = ("LOGIN_URL", "LOGIN_REDIRECT_URL")


def check_templates(**_: Any) -> list[CheckMessage]:
    """Report that the account pages would be errors of the server (E181)."""
    if WITH_PAGES.isdisjoint(features_on()):
        return []
    try:
        template: Any = get_template(BASE_TEMPLATE)
    except TemplateDoesNotExist:
        text = f"No engine of TEMPLATES finds {BASE_TEMPLATE}: the account pages cannot be shown."
        hint = "Set APP_DIRS to True for an engine of Django's own."
        return [finding("E181", text, hint=hint)]
    backend = template.backend
    if not isinstance(backend, DjangoTemplates) or REQUEST in backend.engine.context_processors:
        return []
    text = f"{REQUEST} is not in the context processors: the account pages cannot be shown."
    return [finding("E181", text, hint="Add it to OPTIONS of that engine in TEMPLATES.")]


def check_ways(**_: Any) -> list[CheckMessage]:
    """Report that a log-in begins or ends where the site has no page (W182)."""
    if not is_on("accounts"):
        return []
    return [
        finding(
            "W182",
            f"{name} is {getattr(settings, name)!r}, where this site has no page.",
            hint='Set LOGIN_URL = "bt_security:login" for the page of this package, and '
            "LOGIN_REDIRECT_URL to where people begin.",
        )
        for name in LEADING
        if _leads_nowhere(getattr(settings, name))
    ]


ACCOUNTS_CHECKS = (check_templates,)
ACCOUNTS_DEPLOY_CHECKS = (check_ways,)


def _leads_nowhere(target: str) -> bool:
    """Whether a path or name of this site has no view; other sites are not judged."""
    try:
        address = urlsplit(resolve_url(target))
        if address.netloc or not address.path.startswith("/"):
            return False
        resolve("/" + address.path.removeprefix(get_script_prefix()).lstrip("/"))
    except (NoReverseMatch, Resolver404):
        return True
    return False
