"""Checks that need the audit log itself: who signs it, and whether the database protects it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Tags
from django.core.checks import register as register_check
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from bt_security.audit.retention.protecting import status
from bt_security.audit.seals.signing import signer, trusted_keys
from bt_security.audit.writing import alias
from bt_security.checks import finding
from bt_security.conf import conf
from bt_security.conf.audit import Audit
from bt_security.exceptions import ProtectionRefused, SealingRefused

TAG = "bt_security"


def check_signing_keys(**_: Any) -> list[CheckMessage]:
    """Report a signing key or public keys that cannot be used (E164)."""
    if not _is_on() or Audit.signing_key_file.fault() or Audit.public_key_file.fault():
        return []
    try:
        if conf.audit.public_key_file:
            trusted_keys()
        if conf.audit.signing_key_file:
            signer()
    except SealingRefused as refusal:
        return [
            finding(
                "E164",
                f"The audit log cannot be sealed or verified here: {refusal}.",
                hint="manage.py seal_audit_log --generate-key FILE makes a key, --public-key "
                "prints the public one.",
            )
        ]
    return []


def check_protection(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report a log that the database lets anybody change (W160); asks the database."""
    if not _is_on() or alias() not in (databases or ()):
        return []
    try:
        missing = len(status().missing)
    except (ProtectionRefused, DatabaseError):
        return []  # not migrated yet, or a database without triggers of ours
    if not missing:
        return []
    return [
        finding(
            "W160",
            f"The database lets entries of the audit log be changed: {missing} triggers are "
            "missing, switched off or changed.",
            hint="Run manage.py protect_audit_log --install. On MariaDB and MySQL an account "
            "without the right TRIGGER sees none: ask with another one and silence this check.",
        )
    ]


def connect() -> None:
    """Register the checks for `check --deploy`, once the models are there; twice is harmless."""
    register_check(check_signing_keys, TAG, Tags.security, deploy=True)
    register_check(check_protection, TAG, Tags.database, deploy=True)


def _is_on() -> bool:
    try:
        return conf.has_feature("audit")
    except ImproperlyConfigured:
        return False  # E001 and E002 speak of it
