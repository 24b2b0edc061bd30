"""Checks of `BT_SECURITY_*` settings, of the key environment and of `SECRET_KEY`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from bt_security.checks.finding import finding
from bt_security.conf import NAME_PREFIX, conf, judge_secret_key
from bt_security.conf.keys import read_operator_keys

SURE_TYPO_RATIO = 0.9
"""Likeness (0 to 1) from which `BT…` without our exact prefix is taken for one of our names."""


def check_values(**_: Any) -> list[CheckMessage]:
    """Report a wrong type or range (E001) and an unknown or doubled name (E002)."""
    return [
        finding(
            "E002" if fault.kind == "choice" else "E001",
            fault.text,
            hint=f"Meaning of the setting: {declared.help}",
        )
        for declared in conf.iter_settings()
        if (fault := declared.fault()) is not None
    ]


def check_names(**_: Any) -> list[CheckMessage]:
    """Report a setting that nothing reads, with the nearest real name (W001)."""
    return [
        finding(
            "W001",
            f"{name} is not a setting of this package and has no effect.",
            hint=f"Did you mean {nearest}?" if nearest else "Remove it.",
        )
        for name, nearest in _unread_names()
    ]


def check_key_database(**_: Any) -> list[CheckMessage]:
    """Report a key database whose alias is not in `DATABASES` (E003)."""
    try:
        alias = conf.keys.database
    except ImproperlyConfigured:
        return []  # E001 speaks of it
    if alias in connections:
        return []
    text = f"BT_SECURITY_KEYS_DATABASE names {alias!r}, which is not in DATABASES."
    return [finding("E003", text, hint=f"Known aliases: {', '.join(connections)}.")]


def check_environment(**_: Any) -> list[CheckMessage]:
    """Report operator keys of a form that is refused (E004)."""
    return _refusal("E004", read_operator_keys, hint="`manage.py generate_key` prints a good key.")


def check_secret_key(**_: Any) -> list[CheckMessage]:
    """Report an empty or, while `DEBUG` is off, short `SECRET_KEY` (E005)."""
    return _refusal("E005", judge_secret_key, hint="`manage.py generate_key` prints a good key.")


def check_users(**_: Any) -> list[CheckMessage]:
    """Report that the app of `AUTH_USER_MODEL` is not installed (E006)."""
    try:
        get_user_model()
    except ImproperlyConfigured as error:
        hint = 'Add "django.contrib.auth" and "django.contrib.contenttypes" to INSTALLED_APPS.'
        return [finding("E006", f"Sessions and tokens belong to users: {error}", hint=hint)]
    return []


SETTINGS_CHECKS = (
    check_values,
    check_names,
    check_key_database,
    check_environment,
    check_secret_key,
    check_users,
)


def _refusal(number: str, judge: Callable[[], object], *, hint: str) -> list[CheckMessage]:
    try:
        judge()
    except ImproperlyConfigured as error:
        return [finding(number, str(error), hint=hint)]
    return []


def _unread_names() -> Iterator[tuple[str, str]]:
    declared = [each.name for each in conf.iter_settings()]
    for name in sorted(set(dir(settings)) - set(declared)):
        is_ours = name.startswith(NAME_PREFIX)
        if is_ours or name.startswith("BT"):
            ratio = 0.6 if is_ours else SURE_TYPO_RATIO
            nearest = difflib.get_close_matches(name, declared, n=1, cutoff=ratio)
            if is_ours or nearest:
                yield name, "".join(nearest)
