"""What kind of cache stands behind an alias of `CACHES`, told by its class, and how it fails."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.utils.module_loading import import_string

_WITHOUT_COUNTING = (DatabaseCache, DummyCache, FileBasedCache)

_CLIENT_ERRORS = (
    ("redis.exceptions", "RedisError"),
    ("pymemcache.exceptions", "MemcacheError"),
    ("pylibmc", "Error"),
)
"""Errors of the clients; they are looked up among the loaded modules, and none is loaded here."""


def cache_class(alias: str) -> type[BaseCache]:
    """Return the class of a cache.

    Raises:
        KeyError: `CACHES` has no such alias.
        ImportError: its class cannot be loaded.
    """
    found: type[BaseCache] = import_string(settings.CACHES[alias]["BACKEND"])
    return found


def is_redis(alias: str) -> bool:
    """Whether it is Redis through Django's backend or django-redis."""
    kind = cache_class(alias)
    is_third_party = any(base.__module__.startswith("django_redis.") for base in kind.__mro__)
    return is_third_party or issubclass(kind, RedisCache)


def counts_nothing(alias: str) -> bool:
    """Whether two increments at the same time may count as one, or nothing is kept at all."""
    return issubclass(cache_class(alias), _WITHOUT_COUNTING)


def is_of_one_process(alias: str) -> bool:
    """Whether every process has a cache of its own behind the alias."""
    return issubclass(cache_class(alias), LocMemCache)


def unreachable_errors() -> tuple[type[Exception], ...]:
    """Return the errors by which the clients that are loaded say that a server is away."""
    found: list[type[Exception]] = [OSError]
    for module, name in _CLIENT_ERRORS:
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)
