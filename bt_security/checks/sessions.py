"""Checks of the session engine, of what it keeps sessions in, and of settings it has no use for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.cache.backends.dummy import DummyCache
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, models, router

from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.caches import cache_class, is_of_one_process
from bt_security.conf.sessions import Sessions

DATABASE_ENGINE = "bt_security.sessions.db"
CACHE_ENGINE = "bt_security.sessions.cache"
DJANGOS_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"


def check_engine(**_: Any) -> list[CheckMessage]:
    """Report an engine of ours without the feature (E090), and the reverse (E091)."""
    is_on, is_ours = _is_on(), _is_ours()
    if is_ours and not is_on:
        return [
            finding(
                "E090",
                f"SESSION_ENGINE is {settings.SESSION_ENGINE!r}, and BT_SECURITY_FEATURES does not "
                'have "sessions": group and permission changes end no session.',
                hint='Add "sessions" to BT_SECURITY_FEATURES.',
            )
        ]
    if is_on and not is_ours:
        return [
            finding(
                "E091",
                f'The feature "sessions" is on, and SESSION_ENGINE is {settings.SESSION_ENGINE!r}: '
                "keys lie in the store as they are, and nothing can be listed or ended.",
                hint=f"Set SESSION_ENGINE to {DATABASE_ENGINE!r} or {CACHE_ENGINE!r}, and run "
                "manage.py adopt_sessions.",
            )
        ]
    return []


def check_serializer(**_: Any) -> list[CheckMessage]:
    """Report a serializer of sessions that our engines do not use (E092)."""
    if not _is_ours() or settings.SESSION_SERIALIZER == DJANGOS_SERIALIZER:
        return []
    return [
        finding(
            "E092",
            f"SESSION_SERIALIZER is {settings.SESSION_SERIALIZER!r}; our engines store JSON and "
            "nothing else, and a value that JSON does not have cannot be saved.",
            hint="Remove the setting, and store texts, numbers, lists and dicts in sessions.",
        )
    ]


def check_session_cache(**_: Any) -> list[CheckMessage]:
    """Report a cache that keeps no sessions (E093)."""
    if settings.SESSION_ENGINE != CACHE_ENGINE:
        return []
    alias = settings.SESSION_CACHE_ALIAS
    try:
        if not issubclass(cache_class(alias), DummyCache):
            return []
    except (KeyError, ImportError):
        pass  # none at all
    return [
        finding(
            "E093",
            f"SESSION_CACHE_ALIAS is {alias!r}, which is no cache that keeps anything: nobody can "
            "log in.",
            hint="Name a Redis cache of CACHES.",
        )
    ]


def check_shared_session_cache(**_: Any) -> list[CheckMessage]:
    """Report sessions that every process keeps for itself (W090)."""
    if settings.SESSION_ENGINE != CACHE_ENGINE or settings.DEBUG:
        return []
    alias = settings.SESSION_CACHE_ALIAS
    try:
        if not is_of_one_process(alias):
            return []
    except (KeyError, ImportError):
        return []  # E093 speaks of it
    return [
        finding(
            "W090",
            f"Sessions are in the cache {alias!r}, which every process has for itself: a log-in "
            "is known to one process only, and gone when that ends.",
            hint=f"Use Redis, or SESSION_ENGINE = {DATABASE_ENGINE!r}.",
        )
    ]


def check_limits(**_: Any) -> list[CheckMessage]:
    """Report settings that do nothing here (W091, W092)."""
    if not _is_ours():
        return []
    found = []
    if settings.SESSION_SAVE_EVERY_REQUEST:
        found.append(
            finding(
                "W091",
                "SESSION_SAVE_EVERY_REQUEST writes every session at every request and prolongs "
                "none: SESSION_COOKIE_AGE counts from the log-in.",
                hint="Remove it. BT_SECURITY_SESSIONS_IDLE_SECONDS ends sessions nobody uses.",
            )
        )
    if Sessions.idle_seconds.fault() is None:
        idle = conf.sessions.idle_seconds
        if idle and idle >= settings.SESSION_COOKIE_AGE:
            found.append(
                finding(
                    "W092",
                    "BT_SECURITY_SESSIONS_IDLE_SECONDS is not below SESSION_COOKIE_AGE, which "
                    "ends every session before.",
                    hint="Make it shorter, or 0 for no idle limit.",
                )
            )
    return found


def check_left_over_rows(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Report sessions of Django's engine that were not moved (W093); asks the database."""
    if not _is_ours() or not apps.is_installed("django.contrib.sessions"):
        return []
    model: type[models.Model] = apps.get_model("sessions", "Session")
    if router.db_for_read(model) not in (databases or ()):
        return []
    try:
        has_rows = model._base_manager.exists()
    except DatabaseError:
        return []  # not migrated
    if not has_rows:
        return []
    return [
        finding(
            "W093",
            "The table of Django's sessions still has rows: their keys are there as they are, and "
            "whoever they belong to is logged out.",
            hint="Run manage.py adopt_sessions.",
        )
    ]


SESSIONS_CHECKS = (check_engine, check_serializer, check_session_cache)
SESSIONS_DEPLOY_CHECKS = (check_shared_session_cache, check_limits)
SESSIONS_DATABASE_CHECKS = (check_left_over_rows,)


def _is_ours() -> bool:
    return settings.SESSION_ENGINE in (DATABASE_ENGINE, CACHE_ENGINE)


def _is_on() -> bool:
    try:
        return conf.has_feature("sessions")
    except ImproperlyConfigured:
        return _is_ours()  # E001 and E002 speak of it
