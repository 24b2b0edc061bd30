"""The app: judges the environment at start and connects what is in use."""

from __future__ import annotations

import sys
from importlib import import_module

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured

from bt_security import checks, deployment
from bt_security.conf import Feature, conf, judge_environment
from bt_security.fields import model_checks
from bt_security.fields.serializers import use_sealed_serializers
from bt_security.rotation import first_start

KEYLESS_COMMANDS = frozenset(
    {
        "bt_security_settings",
        "check",
        "collectstatic",
        "compilemessages",
        "generate_key",
        "makemigrations",
    }
)

RECEIVERS: dict[str, tuple[Feature, ...]] = {
    # First: a log-in is recorded under the id that its session gets.
    "bt_security.sessions.receivers": ("sessions",),
    # Before what tells of log-ins: it may refuse one.
    "bt_security.passwords.restriction": ("passwords",),
    "bt_security.audit.receivers": ("audit",),
    "bt_security.deployment.audit_log": ("audit",),
    "bt_security.deployment.login_alerts": ("history",),
    "bt_security.devices.receivers": ("sessions", "ratelimit", "history"),
    # After those that give a log-in its session and device, or refuse it.
    "bt_security.history.receivers": ("history",),
    "bt_security.tokens.bearer": ("sessions",),
}
"""Modules whose `connect` is called, with the features of which one has to be on."""


class BTSecurityConfig(AppConfig):
    """django-bt-security."""

    name = "bt_security"
    verbose_name = "Security"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Judge the keys' form and register the checks.

        Raises:
            ImproperlyConfigured: a key or SECRET_KEY is malformed.
        """
        if not KEYLESS_COMMANDS.intersection(sys.argv[1:2]):
            judge_environment()
        checks.register()
        deployment.register()
        model_checks.register()
        use_sealed_serializers()
        first_start.connect()
        for place, features in RECEIVERS.items():
            if any(map(_is_on, features)):
                import_module(place).connect()


def _is_on(feature: Feature) -> bool:
    try:
        return conf.has_feature(feature)
    except ImproperlyConfigured:
        return False  # E001 and E002 speak of it
