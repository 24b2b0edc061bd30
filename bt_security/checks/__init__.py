"""System checks of settings and environment; each id has a section in `docs/checks.md`."""

from __future__ import annotations

from django.core.checks import Tags
from django.core.checks import register as register_check

from bt_security.checks.deploy import DEPLOY_CHECKS
from bt_security.checks.finding import finding
from bt_security.checks.net import NET_CHECKS, NET_DEPLOY_CHECKS
from bt_security.checks.passwords import PASSWORD_CHECKS, PASSWORD_DEPLOY_CHECKS
from bt_security.checks.settings import SETTINGS_CHECKS

__all__ = ["finding", "register"]

TAG = "bt_security"


def register() -> None:
    """Register the checks of this package under `bt_security` and `security`; twice is harmless."""
    for check in (*SETTINGS_CHECKS, *NET_CHECKS, *PASSWORD_CHECKS):
        register_check(check, TAG, Tags.security)
    for check in (*DEPLOY_CHECKS, *NET_DEPLOY_CHECKS, *PASSWORD_DEPLOY_CHECKS):
        register_check(check, TAG, Tags.security, deploy=True)
