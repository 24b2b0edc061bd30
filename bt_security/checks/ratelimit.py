"""Checks of the limited operations and of the cache that counts them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks.registry import registry
from django.utils.module_loading import import_string

from bt_security.checks.features import is_on
from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.caches import cache_class, counts_nothing, is_of_one_process, is_redis
from bt_security.conf.ratelimit import RateLimit, override_fault

LIMITED_BACKEND = "bt_security.ratelimit.LimitedBackend"

MIN_LOCAL_ENTRIES = 10_000
"""Below it, a stranger who tries enough names pushes the counters of others out of the cache."""


def check_operations(**_: Any) -> list[CheckMessage]:
    """Report malformed rules (E120) and operations that do not exist (E121)."""
    if RateLimit.operations.fault() is not None or RateLimit.fail_open.fault() is not None:
        return []  # E001 speaks of it
    found = [
        finding("E120", fault, hint='Write rules like "10/15m:ip, 20/1h:account", or "off".')
        for operation, text in conf.ratelimit.operations.items()
        if (fault := override_fault(operation, text))
    ]
    known = conf.ratelimit.operation_names()
    found += [
        finding(
            "E121",
            f"BT_SECURITY_RATELIMIT_FAIL_OPEN names {name!r}, which is no operation.",
            hint="docs/rate-limits.md lists them.",
        )
        for name in conf.ratelimit.fail_open
        if name not in known
    ]
    return found


def check_known_device(**_: Any) -> list[CheckMessage]:
    """Report a callable for known devices that cannot be loaded (E122)."""
    if not is_on("ratelimit") or RateLimit.known_device.fault() is not None:
        return []
    path = conf.ratelimit.known_device
    try:
        is_usable = callable(import_string(path))
    except ImportError:
        is_usable = False
    if is_usable:
        return []
    text = f"BT_SECURITY_RATELIMIT_KNOWN_DEVICE: {path!r} is no callable that can be imported."
    return [finding("E122", text, hint="Name it like 'bt_security.devices.is_known'.")]


def check_cache(**_: Any) -> list[CheckMessage]:
    """Report a cache that cannot count (E123), or that nothing counts in (E124)."""
    if not is_on("ratelimit") or RateLimit.cache.fault() is not None:
        return []
    alias = conf.ratelimit.cache
    if fault := _cache_fault(alias):
        return [finding("E123", fault, hint="Use Redis, or LocMemCache where one process serves.")]
    if is_redis(alias):
        return _missing_client()
    is_counted = conf.ratelimit.is_counted_by_django_ratelimit(alias)
    if not is_counted or not conf.ratelimit.is_django_ratelimit_on():
        text = f"django-ratelimit, which counts in the cache {alias!r}, is off or uses another one."
        hint = f"Set RATELIMIT_USE_CACHE = {alias!r} and leave RATELIMIT_ENABLE out."
        return [finding("E124", text, hint=hint)]
    return []


def check_cache_is_shared(**_: Any) -> list[CheckMessage]:
    """Report a cache of one process (E126), and one that is too small for counters (W120)."""
    if not is_on("ratelimit") or RateLimit.cache.fault() is not None:
        return []
    alias = conf.ratelimit.cache
    if _cache_fault(alias):
        return []
    if not is_of_one_process(alias) or settings.DEBUG:
        return []
    found = [
        finding(
            "E126",
            f"Every process counts for itself: the cache {alias!r} is in its memory.",
            hint="Use Redis. Where one process serves the site, silence this check.",
        )
    ]
    options = settings.CACHES[alias].get("OPTIONS", {})
    if int(options.get("MAX_ENTRIES", 300)) < MIN_LOCAL_ENTRIES:
        text = f"The cache {alias!r} is so small that counters are pushed out of it."
        hint = f'Set "OPTIONS": {{"MAX_ENTRIES": {MIN_LOCAL_ENTRIES}}} or more.'
        found.append(finding("W120", text, hint=hint))
    return found


def check_backend_is_first(**_: Any) -> list[CheckMessage]:
    """Report a backend that takes passwords before they are counted (E127)."""
    backends = list(settings.AUTHENTICATION_BACKENDS)
    if not is_on("ratelimit") or LIMITED_BACKEND not in backends[1:]:
        return []
    text = f"{backends[0]} takes passwords before {LIMITED_BACKEND} counts them."
    return [finding("E127", text, hint="Make it the first of AUTHENTICATION_BACKENDS.")]


RATELIMIT_CHECKS = (check_operations, check_known_device, check_cache, check_backend_is_first)
RATELIMIT_DEPLOY_CHECKS = (check_cache_is_shared,)


def take_over_from_django_ratelimit() -> None:
    """Take back django-ratelimit's own checks of caches, where a site has it as an app.

    They call Redis unsupported and know only one alias; E123, E124 and E126 stand in for them.
    Its app loads the module of its checks once, so it does not matter which app is ready first.
    """
    if is_on("ratelimit") and apps.is_installed("django_ratelimit"):
        theirs = import_module("django_ratelimit.checks").check_caches
        registry.registered_checks.discard(theirs)


def _cache_fault(alias: str) -> str:
    if alias not in settings.CACHES:
        return f"BT_SECURITY_RATELIMIT_CACHE names {alias!r}, which is not in CACHES."
    try:
        kind = cache_class(alias).__name__
    except (ImportError, KeyError):
        return f"The class of the cache {alias!r} cannot be loaded."
    if counts_nothing(alias):
        return f"The cache {alias!r} is a {kind}, where two hits at once may count as one or none."
    return ""


def _missing_client() -> list[CheckMessage]:
    if find_spec("redis") is not None:
        return []
    text = "The cache that counts is Redis, and the package `redis` is not installed."
    return [finding("E125", text, hint="pip install 'django-bt-security[redis]'.")]
