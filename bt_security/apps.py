"""The app: judges the environment at start and connects what is in use."""

from __future__ import annotations

import sys

from django.apps import AppConfig

from bt_security import checks
from bt_security.conf import judge_environment
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
        model_checks.register()
        use_sealed_serializers()
        first_start.connect()
