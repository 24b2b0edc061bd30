"""Checks that matter on a live site only: `manage.py check --deploy`."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.keys import read_operator_keys


def check_key_beside_data(**_: Any) -> list[CheckMessage]:
    """Report that sealed columns and the key that opens them share a database (W010)."""
    try:
        keys = read_operator_keys()
    except ImproperlyConfigured:
        return []  # E004 speaks of it
    if keys.current is not None or not _has_sealed_column():
        return []
    return [
        finding(
            "W010",
            "The database key is in use: key and data are in the same database.",
            hint="Set TOKEN_ENCRYPTION_KEY (`manage.py generate_key` prints one), restart, "
            "then run `manage.py rotate_keys`.",
        )
    ]


def check_foreign_formats(**_: Any) -> list[CheckMessage]:
    """Report that values of another package are still accepted (W011)."""
    try:
        columns = sorted(conf.keys.foreign_formats)
    except ImproperlyConfigured:
        return []  # E001 speaks of it
    if not columns:
        return []
    return [
        finding(
            "W011",
            f"BT_SECURITY_KEYS_FOREIGN_FORMATS is still set for {', '.join(columns)}.",
            hint="Run `manage.py rotate_keys`, then `manage.py key_status`; once no foreign "
            "value is left, remove the setting.",
        )
    ]


def check_database_key_is_accepted(**_: Any) -> list[CheckMessage]:
    """Report that the database still decides whether its own key opens values (W012)."""
    try:
        accepts, keys = conf.keys.accept_database_key, read_operator_keys()
    except ImproperlyConfigured:
        return []  # E001 and E004 speak of it
    if keys.current is None or not accepts or not _has_sealed_column():
        return []
    return [
        finding(
            "W012",
            "TOKEN_ENCRYPTION_KEY is set, and values of the database key may still be accepted.",
            hint="Once `manage.py key_status` says `move to an operator key: done`, set "
            "BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False: nothing that is written into the "
            "database can bring the database key back then.",
        )
    ]


DEPLOY_CHECKS = (check_key_beside_data, check_foreign_formats, check_database_key_is_accepted)


def _has_sealed_column() -> bool:
    return any(
        getattr(field, "is_sealed_column", False)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_fields
    )
