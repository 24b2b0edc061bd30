"""System checks of settings and environment; each id has a section in `docs/checks.md`."""

from __future__ import annotations

from django.core.checks import Tags
from django.core.checks import register as register_check

from bt_security.checks.accounts import ACCOUNTS_CHECKS, ACCOUNTS_DEPLOY_CHECKS
from bt_security.checks.audit import AUDIT_CHECKS, AUDIT_DEPLOY_CHECKS
from bt_security.checks.audit_capture import AUDIT_CAPTURE_CHECKS
from bt_security.checks.cookies import COOKIE_CHECKS, COOKIE_DEPLOY_CHECKS
from bt_security.checks.csrf import CSRF_CHECKS, CSRF_DEPLOY_CHECKS
from bt_security.checks.deploy import DEPLOY_CHECKS
from bt_security.checks.deployment import (
    DATABASE_CHECKS,
    DATABASE_DEPLOY_CHECKS,
    DEPLOYMENT_CHECKS,
    DEPLOYMENT_DEPLOY_CHECKS,
)
from bt_security.checks.finding import finding
from bt_security.checks.geo import GEO_CHECKS, GEO_DEPLOY_CHECKS
from bt_security.checks.headers import HEADERS_CHECKS, HEADERS_DEPLOY_CHECKS
from bt_security.checks.history import HISTORY_DEPLOY_CHECKS
from bt_security.checks.impersonation import IMPERSONATION_CHECKS
from bt_security.checks.middleware import MIDDLEWARE_CHECKS
from bt_security.checks.net import NET_CHECKS, NET_DEPLOY_CHECKS
from bt_security.checks.passwords import PASSWORD_CHECKS, PASSWORD_DEPLOY_CHECKS
from bt_security.checks.ratelimit import (
    RATELIMIT_CHECKS,
    RATELIMIT_DEPLOY_CHECKS,
    take_over_from_django_ratelimit,
)
from bt_security.checks.sessions import (
    SESSIONS_CHECKS,
    SESSIONS_DATABASE_CHECKS,
    SESSIONS_DEPLOY_CHECKS,
)
from bt_security.checks.settings import SETTINGS_CHECKS
from bt_security.checks.tokens import TOKENS_CHECKS, TOKENS_DEPLOY_CHECKS
from bt_security.checks.web import WEB_DEPLOY_CHECKS

__all__ = ["finding", "register"]

TAG = "bt_security"

ALWAYS = (
    *SETTINGS_CHECKS,
    *NET_CHECKS,
    *PASSWORD_CHECKS,
    *COOKIE_CHECKS,
    *MIDDLEWARE_CHECKS,
    *DEPLOYMENT_CHECKS,
    *HEADERS_CHECKS,
    *CSRF_CHECKS,
    *RATELIMIT_CHECKS,
    *SESSIONS_CHECKS,
    *IMPERSONATION_CHECKS,
    *TOKENS_CHECKS,
    *AUDIT_CHECKS,
    *AUDIT_CAPTURE_CHECKS,
    *GEO_CHECKS,
    *ACCOUNTS_CHECKS,
)
ON_DEPLOYMENT = (
    *DEPLOY_CHECKS,
    *NET_DEPLOY_CHECKS,
    *PASSWORD_DEPLOY_CHECKS,
    *COOKIE_DEPLOY_CHECKS,
    *DEPLOYMENT_DEPLOY_CHECKS,
    *HEADERS_DEPLOY_CHECKS,
    *CSRF_DEPLOY_CHECKS,
    *RATELIMIT_DEPLOY_CHECKS,
    *SESSIONS_DEPLOY_CHECKS,
    *TOKENS_DEPLOY_CHECKS,
    *WEB_DEPLOY_CHECKS,
    *AUDIT_DEPLOY_CHECKS,
    *GEO_DEPLOY_CHECKS,
    *HISTORY_DEPLOY_CHECKS,
    *ACCOUNTS_DEPLOY_CHECKS,
)


def register() -> None:
    """Register the checks of this package under `bt_security` and `security`; twice is harmless.

    Those that ask the database also have the tag `database`, so that they run with `--database`.
    """
    for check in ALWAYS:
        register_check(check, TAG, Tags.security)
    for check in ON_DEPLOYMENT:
        register_check(check, TAG, Tags.security, deploy=True)
    for check in (*DATABASE_CHECKS, *SESSIONS_DATABASE_CHECKS):
        register_check(check, TAG, Tags.database)
    for check in DATABASE_DEPLOY_CHECKS:
        register_check(check, TAG, Tags.database, deploy=True)
    take_over_from_django_ratelimit()
