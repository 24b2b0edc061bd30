"""The stacks: settings of each site, and which is compared with which.

Names no model and no view: the parent process reads it without Django being set up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import django
from csp.constants import NONCE

PASSWORD = "correct horse battery staple"

SECURITY = "django.middleware.security.SecurityMiddleware"
FRAMES = "django.middleware.clickjacking.XFrameOptionsMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
EDGE = "bt_security.middleware.EdgeMiddleware"
ACCOUNT = "bt_security.middleware.AccountMiddleware"

APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
POLICY = {
    "default-src": ["'self'"],
    "object-src": ["'none'"],
    "frame-ancestors": ["'self'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
    "img-src": ["'self'", "data:"],
}
WITH_NONCE = ("script-src", "style-src")
HEADERS: dict[str, Any] = {
    "SECURE_HSTS_SECONDS": 31_536_000,
    "SECURE_REFERRER_POLICY": "strict-origin-when-cross-origin",
    "SECURE_CONTENT_TYPE_NOSNIFF": True,
    "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
    "X_FRAME_OPTIONS": "SAMEORIGIN",
}
LOGGED_IN = [SESSIONS, COMMON, CSRF, AUTH, MESSAGES]
HAS_DJANGOS_CSP = django.VERSION >= (6, 0)
NO_LIMIT = "benchmarks.request.limits.none"
OURS = "benchmarks.request.limits.ours"
DJANGO_RATELIMIT = "benchmarks.request.limits.django_ratelimit"
IN_THREAD = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@dataclass(frozen=True)
class Stack:
    """The settings of one measured site; `cache` is "local" or "redis"."""

    middleware: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    engine: str = "django.contrib.sessions.backends.db"
    cache: str = "local"
    limit: str = NO_LIMIT
    nonce: str = "benchmarks.request.site.csp_nonce"
    others: dict[str, Any] = field(default_factory=dict)


def with_package_policy() -> dict[str, Any]:
    """Return the headers' settings and the policy in the form of django-csp."""
    sources = {name: [*POLICY["default-src"], NONCE] for name in WITH_NONCE}
    return {**HEADERS, "CONTENT_SECURITY_POLICY": {"DIRECTIVES": {**POLICY, **sources}}}


def with_djangos_policy() -> dict[str, Any]:
    """Return the headers' settings and the policy in the form of Django 6.0."""
    sources = {name: [*POLICY["default-src"], "<CSP_NONCE_SENTINEL>"] for name in WITH_NONCE}
    return {**HEADERS, "SECURE_CSP": {**POLICY, **sources}}


def headers_floor() -> Stack:
    """Return Django's own middleware, with django-csp where Django has no policy yet."""
    if HAS_DJANGOS_CSP:
        own = "django.middleware.csp.ContentSecurityPolicyMiddleware"
        getter = "django.middleware.csp.get_nonce"
        return Stack((SECURITY, FRAMES, own), nonce=getter, others=with_djangos_policy())
    package = "csp.middleware.CSPMiddleware"
    return Stack((SECURITY, FRAMES, package), others=with_package_policy())


STACKS = {
    "django headers": headers_floor(),
    "our headers": Stack((EDGE, SECURITY), ("headers",), others=with_package_policy()),
    "django db": Stack(tuple(LOGGED_IN)),
    "our db": Stack((*LOGGED_IN[:4], ACCOUNT, MESSAGES), ("sessions",), "bt_security.sessions.db"),
    "django db with history": Stack((EDGE, *LOGGED_IN[:4], ACCOUNT, MESSAGES), ("history",)),
    "our db with devices": Stack(
        (EDGE, *LOGGED_IN[:4], ACCOUNT, MESSAGES), ("sessions",), "bt_security.sessions.db"
    ),
    "our db with history": Stack(
        (EDGE, *LOGGED_IN[:4], ACCOUNT, MESSAGES),
        ("sessions", "history"),
        "bt_security.sessions.db",
    ),
    "django cache": Stack(
        tuple(LOGGED_IN), engine="django.contrib.sessions.backends.cache", cache="redis"
    ),
    "our cache": Stack(
        (*LOGGED_IN[:4], ACCOUNT, MESSAGES),
        ("sessions",),
        "bt_security.sessions.cache",
        cache="redis",
    ),
    "django-ratelimit local": Stack(limit=DJANGO_RATELIMIT),
    "our limit local": Stack(features=("ratelimit",), limit=OURS),
    "django-ratelimit redis": Stack(cache="redis", limit=DJANGO_RATELIMIT),
    "our limit redis": Stack(features=("ratelimit",), cache="redis", limit=OURS),
    "all of Django's": Stack((SECURITY, *LOGGED_IN, FRAMES), others=HEADERS),
    "all of ours": Stack(
        (EDGE, SECURITY, *LOGGED_IN[:4], ACCOUNT, MESSAGES),
        ("sessions", "headers", "csrf", "ratelimit", "passwords"),
        "bt_security.sessions.db",
        limit=OURS,
        others=with_package_policy(),
    ),
}


@dataclass(frozen=True)
class Comparison:
    """Ours and the floor: two stacks, one kind of request."""

    what: str
    request: str
    ours: str
    floor: str
    at_most: float | None = None
    sessions: int = 0
    """Sessions that the user of our stack gets before it is measured."""


COMPARISONS = [
    Comparison("all headers and a nonce", "nonce", "our headers", "django headers", 1.25),
    Comparison("session read, database", "read", "our db", "django db", 1.10),
    Comparison("session write, database", "write", "our db", "django db"),
    Comparison("session read, Redis", "read", "our cache", "django cache", 1.10),
    Comparison("session write, Redis", "write", "our cache", "django cache"),
    Comparison("limit check, local", "limited", "our limit local", "django-ratelimit local"),
    Comparison("limit check, Redis", "limited", "our limit redis", "django-ratelimit redis", 0.5),
    Comparison("page, everything on", "page", "all of ours", "all of Django's"),
    Comparison("read, everything on", "read", "all of ours", "all of Django's"),
    Comparison("log-in, everything on", "login", "all of ours", "all of Django's", 2.0),
    Comparison("log-in with 500 sessions / with 1", "login", "our db", "our db", sessions=500),
]
REDIS_STACKS = {name for name, stack in STACKS.items() if stack.cache == "redis"}


def site_settings(stack: Stack, site: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a stack; `site` names the database file and the Redis server."""
    caches = IN_THREAD
    if stack.cache == "redis":
        server = {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": site["redis"],
        }
        caches = {"default": server}
    return {
        "ALLOWED_HOSTS": ["testserver"],
        "BENCH_LIMIT": stack.limit,
        "BENCH_NONCE": stack.nonce,
        "BT_SECURITY_FEATURES": list(stack.features),
        "BT_SECURITY_RATELIMIT_OPERATIONS": {"bench": "100/60s:ip"},
        "CACHES": caches,
        "DATABASES": {"default": site["database"]},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [*APPS, *(["bt_security"] if stack.features else [])],
        "LOGIN_REDIRECT_URL": "/read/",
        "LOGGING_CONFIG": None,
        "MIDDLEWARE": list(stack.middleware),
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "ROOT_URLCONF": "benchmarks.request.site",
        "SECRET_KEY": "only for benchmarks: sixty characters that no real site uses",
        "SESSION_ENGINE": stack.engine,
        "USE_TZ": True,
        **stack.others,
    }
