"""Asks the provider of the settings, for public addresses only; its failures end here."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.exceptions import LocationUnavailable
from bt_security.geo.breaker import Breaker
from bt_security.geo.location import Location, Provider
from bt_security.net import is_public, parse_address


def is_on() -> bool:
    """Tell whether a provider is configured; not where its setting is refused, E001 says why."""
    try:
        return bool(conf.geo.provider)
    except ImproperlyConfigured:
        return False


@sensitive_variables()
def look_up(address_text: str) -> Location | None:
    """Return where an address is, None if nobody knows or nobody is asked.

    Only ordinary addresses of the Internet are asked for. Asking may take as long as
    `BT_SECURITY_GEO_TIMEOUT_SECONDS`, so it does not belong into a request: see `run_later`.
    Whatever the provider raises is one line in the log for each outage, and never an error here.
    """
    address = parse_address(address_text)
    if address is None or not is_public(address) or not is_on():
        return None
    path, pause_seconds = conf.geo.provider_path(), conf.geo.pause_seconds
    breaker = _breaker(path)
    if not breaker.may_ask(pause_seconds=pause_seconds):
        return None
    try:
        found = _judged(_provider(path).lookup(str(address)))
    except LocationUnavailable as error:
        wait = error.retry_after_seconds
        breaker.failed(str(error), pause_seconds=pause_seconds, retry_after_seconds=wait)
    except Exception as error:  # noqa: BLE001 - a site's provider may raise anything
        breaker.failed(_named(error), pause_seconds=pause_seconds)
    else:
        breaker.succeeded()
        return found
    return None


def forget() -> None:
    """Have the next look-up make its provider anew."""
    _provider.cache_clear()
    _breaker.cache_clear()


@lru_cache(maxsize=1)
def _provider(path: str) -> Provider:
    provider: Provider = import_string(path)()
    return provider


@lru_cache(maxsize=1)
def _breaker(path: str) -> Breaker:
    return Breaker()


def _judged(found: Any) -> Location | None:
    if found is not None and not isinstance(found, Location):
        raise LocationUnavailable("the provider returned no Location")
    return None if found is None or found.is_empty() else found


def _named(error: Exception) -> str:
    """Name an error without quoting it: the text of a foreign one may hold the address."""
    if isinstance(error, ImproperlyConfigured | ImportError):
        return f"{type(error).__name__}, `manage.py check` says more"
    return type(error).__name__


def _on_setting_changed(*, setting: str, **_: Any) -> None:
    if setting.startswith("BT_SECURITY_GEO_"):
        forget()


setting_changed.connect(_on_setting_changed)
if hasattr(os, "register_at_fork"):
    # A lock that another thread held at the fork would never be released in the child.
    os.register_at_fork(after_in_child=forget)
