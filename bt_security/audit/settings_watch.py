"""Changed settings: what the site says about its own security, compared after every `migrate`.

`seal_audit_log` compares too. A secret setting is remembered and recorded as a keyed digest.
"""

from __future__ import annotations

import json
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models.signals import post_migrate

from bt_security.audit.recording import record
from bt_security.conf import conf
from bt_security.keys import keyed_digest, store

ROW = "_audited_settings"
PURPOSE = "audit-settings"
DIGEST_CHARS = 18

DJANGO_SETTINGS = (
    "ALLOWED_HOSTS",
    "AUTHENTICATION_BACKENDS",
    "AUTH_PASSWORD_VALIDATORS",
    "CSRF_COOKIE_HTTPONLY",
    "CSRF_COOKIE_SAMESITE",
    "CSRF_COOKIE_SECURE",
    "CSRF_TRUSTED_ORIGINS",
    "DEBUG",
    "INSTALLED_APPS",
    "MIDDLEWARE",
    "PASSWORD_HASHERS",
    "SECURE_HSTS_SECONDS",
    "SECURE_PROXY_SSL_HEADER",
    "SECURE_SSL_REDIRECT",
    "SESSION_COOKIE_AGE",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE",
    "SESSION_ENGINE",
)
"""Django's own settings that are compared beside those of this package."""


def connect() -> None:
    """Compare after every `migrate`: the step of a deployment that every site has."""
    post_migrate.connect(after_migrate, dispatch_uid="bt_security.audit.settings")


def after_migrate(sender: AppConfig, using: str, **_: Any) -> None:
    """Compare once the last app is migrated. Receiver of `post_migrate`."""
    last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
    if sender is last and using == store.alias() and store.has_table(using):
        record_changes()


def record_changes() -> list[str]:
    """Record which settings have other values than last time, and return their names.

    The first time there is nothing to compare with: what is in force is remembered.
    """
    now = in_force()
    text = json.dumps(now, sort_keys=True)
    known = store.read([ROW]).get(ROW)
    if known == text:
        return []
    before: dict[str, str] = json.loads(known) if known else now
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        said = [
            {"setting": name, "before": before.get(name), "after": now.get(name)}
            for name in changed
        ]
        record("settings.changed", details={"changes": said})
    store.write(ROW, text)
    return changed


def in_force() -> dict[str, str]:
    """Return every compared setting with its value as text; secrets are digests."""
    values: dict[str, Any] = {name: getattr(settings, name) for name in DJANGO_SETTINGS}
    for declared in conf.iter_settings():
        if declared.is_set():
            values[declared.name] = getattr(settings, declared.name)
            if declared.secret:
                values[declared.name] = _digest(values[declared.name])
    return {name: repr(value) for name, value in values.items()}


def _digest(value: Any) -> str:
    return keyed_digest(PURPOSE, repr(value).encode())[:DIGEST_CHARS]
