#!/usr/bin/env python3
"""Per-request overhead of Django security stacks, as a ratio to bare Django.

One run measures, interleaved, every stack below. Each stack lives in its own
worker process (Django settings are global), all workers are started and
warmed up first, then the parent walks through them round by round: in each
round every worker of a group runs the same scenario for a short batch and
reports the batch median; the ratio to the group's baseline is taken inside
the round (so that machine drift cancels) and the table shows the median of
those ratios with their quartiles. Because a busy machine adds bursts, three
more columns help: "us" and "delta us" are the best (quietest) round's batch
median, "quiet" is best round / best round of the baseline, "cpu" is the median
paired ratio of thread CPU time (which leaves out time spent in Redis).

Requests are direct WSGI handler calls (get_wsgi_application() with environ
dicts, response consumed and closed), no sockets and no test client.
SQLite in a RAM directory, WAL, persistent connection; Redis is a private
server on loopback that this script starts and stops.

    python request_overhead.py [--rounds 15] [--batch 100] [--only a,b] [--json out.json]

Exit status 0 when every stack that is installed ran; stacks whose package is
missing are reported as skipped. A wrong HTTP status in any measured call is
an error (a stack that silently rejects would look fast).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.abspath(__file__)
N_USERS = 400
PASSWORD = "correct horse battery staple"
TOTP_SECRET_B32 = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # 20 bytes
UA = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# --------------------------------------------------------------------------
# middleware shorthands
# --------------------------------------------------------------------------
SEC = "django.middleware.security.SecurityMiddleware"
XFO = "django.middleware.clickjacking.XFrameOptionsMiddleware"
SESS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"
MSG = "django.contrib.messages.middleware.MessageMiddleware"

BASE_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]
AUTHED = [SESS, COMMON, CSRF, AUTH]
LOGIN_MW = [SESS, COMMON, CSRF, AUTH, MSG]

LOCMEM = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000_000},
    }
}


def redis_cache(port, django_redis=False):
    if django_redis:
        return {
            "default": {
                "BACKEND": "django_redis.cache.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{port}/1",
            }
        }
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"redis://127.0.0.1:{port}/0",
        }
    }


HEADERS = {
    "SECURE_HSTS_SECONDS": 31536000,
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_REFERRER_POLICY": "strict-origin-when-cross-origin",
    "SECURE_CONTENT_TYPE_NOSNIFF": True,
    "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
    "X_FRAME_OPTIONS": "SAMEORIGIN",
}


def csp_builtin():
    from django.utils.csp import CSP

    return {
        "default-src": [CSP.SELF],
        "script-src": [CSP.SELF, CSP.NONCE],
        "style-src": [CSP.SELF, CSP.NONCE],
        "img-src": [CSP.SELF, "data:"],
        "object-src": [CSP.NONE],
        "base-uri": [CSP.SELF],
        "frame-ancestors": [CSP.SELF],
        "form-action": [CSP.SELF],
    }


def csp_package():
    from csp.constants import NONCE, NONE, SELF

    return {
        "DIRECTIVES": {
            "default-src": [SELF],
            "script-src": [SELF, NONCE],
            "style-src": [SELF, NONCE],
            "img-src": [SELF, "data:"],
            "object-src": [NONE],
            "base-uri": [SELF],
            "frame-ancestors": [SELF],
            "form-action": [SELF],
        }
    }


# --------------------------------------------------------------------------
# Stacks. Each: group, needs (importable modules), redis (bool), scenarios,
# settings(port) -> dict of overrides. "base" marks the group's baseline.
# --------------------------------------------------------------------------
def S(group, scenarios, settings, needs=(), redis=False, base=False):
    return dict(
        group=group, scenarios=scenarios, settings=settings, needs=needs, redis=redis, base=base
    )


ALLAUTH_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ALLAUTH_MW = "allauth.account.middleware.AccountMiddleware"
USER_SESS_MW = "user_sessions.middleware.SessionMiddleware"

STACKS = {
    # (a) headers + CSP nonce; anonymous 2 KB page, no session touched --------
    "a.bare": S("a", ["page"], lambda p: dict(MIDDLEWARE=[]), base=True),
    "a.django-headers": S("a", ["page"], lambda p: dict(MIDDLEWARE=[SEC, XFO], **HEADERS)),
    "a.django6-csp": S(
        "a",
        ["page_nonce_dj"],
        lambda p: dict(
            MIDDLEWARE=[SEC, XFO, "django.middleware.csp.ContentSecurityPolicyMiddleware"],
            SECURE_CSP=csp_builtin(),
            **HEADERS,
        ),
        needs=("django.middleware.csp",),
    ),
    "a.django-csp4": S(
        "a",
        ["page_nonce"],
        lambda p: dict(
            MIDDLEWARE=[SEC, XFO, "csp.middleware.CSPMiddleware"],
            CONTENT_SECURITY_POLICY=csp_package(),
            **HEADERS,
        ),
        needs=("csp",),
    ),
    "a.django-csp4+permissions-policy": S(
        "a",
        ["page_nonce"],
        lambda p: dict(
            MIDDLEWARE=[
                SEC,
                XFO,
                "django_permissions_policy.PermissionsPolicyMiddleware",
                "csp.middleware.CSPMiddleware",
            ],
            PERMISSIONS_POLICY={"camera": [], "microphone": [], "geolocation": []},
            CONTENT_SECURITY_POLICY=csp_package(),
            **HEADERS,
        ),
        needs=("csp", "django_permissions_policy"),
    ),
    "a.django-default-stack": S(
        "a",
        ["page"],
        lambda p: dict(MIDDLEWARE=[SEC, SESS, COMMON, CSRF, AUTH, MSG, XFO], **HEADERS),
    ),
    # (b) sessions: authenticated; read = request.user, write = session[k]=.. --
    "b.django-db": S("b", ["read", "write"], lambda p: dict(MIDDLEWARE=AUTHED), base=True),
    "b.django-cached_db-redis": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            MIDDLEWARE=AUTHED,
            CACHES=redis_cache(p),
            SESSION_ENGINE="django.contrib.sessions.backends.cached_db",
        ),
        redis=True,
    ),
    "b.django-cached_db-locmem": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            MIDDLEWARE=AUTHED, SESSION_ENGINE="django.contrib.sessions.backends.cached_db"
        ),
    ),
    "b.django-cache-redis": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            MIDDLEWARE=AUTHED,
            CACHES=redis_cache(p),
            SESSION_ENGINE="django.contrib.sessions.backends.cache",
        ),
        redis=True,
    ),
    "b.django-cache-django_redis": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            MIDDLEWARE=AUTHED,
            CACHES=redis_cache(p, True),
            SESSION_ENGINE="django.contrib.sessions.backends.cache",
        ),
        redis=True,
        needs=("django_redis",),
    ),
    "b.user_sessions": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["user_sessions"],
            MIDDLEWARE=[USER_SESS_MW, COMMON, CSRF, AUTH],
            SILENCED_SYSTEM_CHECKS=["admin.E410"],
            SESSION_ENGINE="user_sessions.backends.db",
        ),
        needs=("user_sessions",),
    ),
    "b.qsessions-db": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["qsessions"],
            MIDDLEWARE=["qsessions.middleware.SessionMiddleware", COMMON, CSRF, AUTH],
            SESSION_ENGINE="qsessions.backends.db",
        ),
        needs=("qsessions",),
    ),
    "b.qsessions-cached_db-redis": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["qsessions"],
            CACHES=redis_cache(p),
            MIDDLEWARE=["qsessions.middleware.SessionMiddleware", COMMON, CSRF, AUTH],
            SESSION_ENGINE="qsessions.backends.cached_db",
        ),
        needs=("qsessions",),
        redis=True,
    ),
    "b.allauth-usersessions": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["allauth", "allauth.account", "allauth.usersessions"],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
            MIDDLEWARE=AUTHED
            + [ALLAUTH_MW, "allauth.usersessions.middleware.UserSessionsMiddleware"],
        ),
        needs=("allauth",),
    ),
    "b.allauth-usersessions-track": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["allauth", "allauth.account", "allauth.usersessions"],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
            USERSESSIONS_TRACK_ACTIVITY=True,
            MIDDLEWARE=AUTHED
            + [ALLAUTH_MW, "allauth.usersessions.middleware.UserSessionsMiddleware"],
        ),
        needs=("allauth",),
    ),
    # (c) rate limit check on an anonymous POST; 20 hits per IP, never limited -
    "c.bare": S("c", ["rl_none"], lambda p: dict(MIDDLEWARE=[]), base=True),
    "c.ratelimit-locmem": S(
        "c", ["rl_ratelimit"], lambda p: dict(MIDDLEWARE=[]), needs=("django_ratelimit",)
    ),
    "c.ratelimit-redis": S(
        "c",
        ["rl_ratelimit"],
        lambda p: dict(MIDDLEWARE=[], CACHES=redis_cache(p)),
        redis=True,
        needs=("django_ratelimit",),
    ),
    "c.ratelimit-django_redis": S(
        "c",
        ["rl_ratelimit"],
        lambda p: dict(MIDDLEWARE=[], CACHES=redis_cache(p, True)),
        redis=True,
        needs=("django_ratelimit", "django_redis"),
    ),
    "c.allauth-rl-locmem": S(
        "c",
        ["rl_allauth"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["allauth", "allauth.account"],
            MIDDLEWARE=[ALLAUTH_MW],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
        ),
        needs=("allauth",),
    ),
    "c.allauth-rl-redis": S(
        "c",
        ["rl_allauth"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["allauth", "allauth.account"],
            MIDDLEWARE=[ALLAUTH_MW],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
            CACHES=redis_cache(p),
        ),
        redis=True,
        needs=("allauth",),
    ),
    "c.axes-check-db": S(
        "c",
        ["rl_axes"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["axes"],
            MIDDLEWARE=["axes.middleware.AxesMiddleware"],
            AXES_FAILURE_LIMIT=10,
            AXES_COOLOFF_TIME=1,
        ),
        needs=("axes",),
    ),
    "c.axes-check-cache-redis": S(
        "c",
        ["rl_axes"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["axes"],
            MIDDLEWARE=["axes.middleware.AxesMiddleware"],
            AXES_FAILURE_LIMIT=10,
            AXES_COOLOFF_TIME=1,
            CACHES=redis_cache(p),
            AXES_HANDLER="axes.handlers.cache.AxesCacheHandler",
        ),
        needs=("axes",),
        redis=True,
    ),
    "c.defender-check-redis": S(
        "c",
        ["rl_defender"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["defender"],
            MIDDLEWARE=[],
            DEFENDER_REDIS_URL=f"redis://127.0.0.1:{p}/2",
        ),
        needs=("defender",),
        redis=True,
    ),
    # (d) login, fast hasher: ok = correct password, bad = wrong password ------
    "d.plain": S("d", ["login_ok", "login_bad"], lambda p: dict(MIDDLEWARE=LOGIN_MW), base=True),
    "d.axes-db": S(
        "d",
        ["login_ok", "login_bad"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["axes"],
            MIDDLEWARE=LOGIN_MW + ["axes.middleware.AxesMiddleware"],
            AUTHENTICATION_BACKENDS=[
                "axes.backends.AxesStandaloneBackend",
                "django.contrib.auth.backends.ModelBackend",
            ],
            AXES_FAILURE_LIMIT=100000,
            AXES_COOLOFF_TIME=1,
        ),
        needs=("axes",),
    ),
    "d.axes-cache-redis": S(
        "d",
        ["login_ok", "login_bad"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["axes"],
            CACHES=redis_cache(p),
            MIDDLEWARE=LOGIN_MW + ["axes.middleware.AxesMiddleware"],
            AUTHENTICATION_BACKENDS=[
                "axes.backends.AxesStandaloneBackend",
                "django.contrib.auth.backends.ModelBackend",
            ],
            AXES_HANDLER="axes.handlers.cache.AxesCacheHandler",
            AXES_FAILURE_LIMIT=100000,
            AXES_COOLOFF_TIME=1,
        ),
        needs=("axes",),
        redis=True,
    ),
    "d.defender-redis": S(
        "d",
        ["login_ok", "login_bad"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["defender"],
            MIDDLEWARE=LOGIN_MW + ["defender.middleware.FailedLoginMiddleware"],
            DEFENDER_LOGIN_FAILURE_LIMIT=100000,
            BENCH_LOGIN="plain",
            DEFENDER_REDIS_URL=f"redis://127.0.0.1:{p}/3",
        ),
        needs=("defender",),
        redis=True,
    ),
    "d.two_factor": S(
        "d",
        ["login_ok", "login_bad"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS
            + [
                "django_otp",
                "django_otp.plugins.otp_static",
                "django_otp.plugins.otp_totp",
                "two_factor",
            ],
            MIDDLEWARE=LOGIN_MW + ["django_otp.middleware.OTPMiddleware"],
            BENCH_LOGIN="two_factor",
        ),
        needs=("two_factor",),
    ),
    "d.allauth": S(
        "d",
        ["login_ok", "login_bad"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["allauth", "allauth.account"],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
            MIDDLEWARE=LOGIN_MW + [ALLAUTH_MW],
            BENCH_LOGIN="allauth",
            ACCOUNT_EMAIL_VERIFICATION="none",
        ),
        needs=("allauth",),
    ),
    "d.allauth-redis": S(
        "d",
        ["login_ok", "login_bad"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["allauth", "allauth.account"],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
            CACHES=redis_cache(p),
            MIDDLEWARE=LOGIN_MW + [ALLAUTH_MW],
            BENCH_LOGIN="allauth",
            ACCOUNT_EMAIL_VERIFICATION="none",
        ),
        needs=("allauth",),
        redis=True,
    ),
    "d.allauth+mfa+usersessions": S(
        "d",
        ["login_ok", "login_bad", "login_ok_50"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS
            + ["allauth", "allauth.account", "allauth.mfa", "allauth.usersessions"],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
            MIDDLEWARE=LOGIN_MW
            + [ALLAUTH_MW, "allauth.usersessions.middleware.UserSessionsMiddleware"],
            BENCH_LOGIN="allauth",
            ACCOUNT_EMAIL_VERIFICATION="none",
        ),
        needs=("allauth", "fido2"),
    ),
    # (e) MFA verify. fn: floor = SELECT + pyotp verify + conditional UPDATE ----
    "e.floor": S(
        "e",
        ["mfa_floor", "login_ok"],
        lambda p: dict(INSTALLED_APPS=BASE_APPS, MIDDLEWARE=LOGIN_MW),
        needs=("pyotp",),
        base=True,
    ),
    "e.django-otp-totp": S(
        "e",
        ["mfa_otp"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS
            + ["django_otp", "django_otp.plugins.otp_static", "django_otp.plugins.otp_totp"],
            MIDDLEWARE=LOGIN_MW + ["django_otp.middleware.OTPMiddleware"],
        ),
        needs=("django_otp",),
    ),
    "e.allauth-totp": S(
        "e",
        ["mfa_allauth", "mfa_allauth_rc"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["allauth", "allauth.account", "allauth.mfa"],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
            MFA_TOTP_TOLERANCE=1,
            MIDDLEWARE=LOGIN_MW + [ALLAUTH_MW],
        ),
        needs=("allauth", "fido2"),
    ),
    "e.two_factor-login+totp": S(
        "e",
        ["login_totp_two_factor"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS
            + [
                "django_otp",
                "django_otp.plugins.otp_static",
                "django_otp.plugins.otp_totp",
                "two_factor",
            ],
            MIDDLEWARE=LOGIN_MW + ["django_otp.middleware.OTPMiddleware"],
            BENCH_LOGIN="two_factor",
        ),
        needs=("two_factor",),
    ),
    "e.allauth-login+totp": S(
        "e",
        ["login_totp_allauth"],
        lambda p: dict(
            INSTALLED_APPS=BASE_APPS + ["allauth", "allauth.account", "allauth.mfa"],
            AUTHENTICATION_BACKENDS=ALLAUTH_BACKENDS,
            MFA_TOTP_TOLERANCE=1,
            MIDDLEWARE=LOGIN_MW + [ALLAUTH_MW],
            BENCH_LOGIN="allauth",
            ACCOUNT_EMAIL_VERIFICATION="none",
        ),
        needs=("allauth", "fido2"),
    ),
    "e.webauthn3-verify": S(
        "e", ["wa_pywebauthn"], lambda p: dict(MIDDLEWARE=[]), needs=("webauthn",)
    ),
    "e.fido2-verify": S(
        "e", ["wa_fido2"], lambda p: dict(MIDDLEWARE=[]), needs=("fido2", "webauthn")
    ),
}

# ==========================================================================
# >>>>>>>>>>>>>>>>>>>>>>>>>>  ADAPTER: bt_security  <<<<<<<<<<<<<<<<<<<<<<<<<<
# Settings of our stacks, and the functions that the scenarios call inside the worker.
# Stacks are skipped while bt_security is not importable, or while a hook they need is None.
# ==========================================================================
BT_APPS = [*BASE_APPS, "bt_security"]
BT_EDGE = "bt_security.middleware.EdgeMiddleware"
BT_ACCOUNT = "bt_security.middleware.AccountMiddleware"
BT_AUTHED = [*AUTHED, BT_ACCOUNT]
BT_LOGIN = dict(
    INSTALLED_APPS=BT_APPS,
    MIDDLEWARE=[BT_EDGE, *AUTHED, BT_ACCOUNT, MSG],
    BT_SECURITY_FEATURES=["sessions", "ratelimit"],
    BT_SECURITY_RATELIMIT_OPERATIONS={"login": "10000/15m:ip, 10000/15m:account"},
    AUTHENTICATION_BACKENDS=[
        "bt_security.ratelimit.LimitedBackend",
        "django.contrib.auth.backends.ModelBackend",
    ],
    # Django's own log-in view: this package has no log-in page of its own yet.
    BENCH_LOGIN="plain",
)
BT_BENCH_LIMIT = {"bench": "100/60s:ip"}
BT_STACKS = {
    "a.bt_security": S(
        "a",
        ["page_nonce"],
        lambda p: dict(
            INSTALLED_APPS=BT_APPS,
            MIDDLEWARE=[BT_EDGE, SEC],
            BT_SECURITY_FEATURES=["headers"],
            CONTENT_SECURITY_POLICY=csp_package(),
            **HEADERS,
        ),
        needs=("bt_security",),
    ),
    "b.bt_security-db": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            INSTALLED_APPS=BT_APPS,
            MIDDLEWARE=BT_AUTHED,
            BT_SECURITY_FEATURES=["sessions"],
            SESSION_ENGINE="bt_security.sessions.db",
        ),
        needs=("bt_security",),
    ),
    "b.bt_security-redis": S(
        "b",
        ["read", "write"],
        lambda p: dict(
            INSTALLED_APPS=BT_APPS,
            MIDDLEWARE=BT_AUTHED,
            CACHES=redis_cache(p),
            BT_SECURITY_FEATURES=["sessions"],
            SESSION_ENGINE="bt_security.sessions.cache",
        ),
        needs=("bt_security",),
        redis=True,
    ),
    "c.bt_security-locmem": S(
        "c",
        ["rl_bt"],
        lambda p: dict(
            INSTALLED_APPS=BT_APPS,
            MIDDLEWARE=[],
            BT_SECURITY_FEATURES=["ratelimit"],
            BT_SECURITY_RATELIMIT_OPERATIONS=BT_BENCH_LIMIT,
        ),
        needs=("bt_security",),
    ),
    "c.bt_security-redis": S(
        "c",
        ["rl_bt"],
        lambda p: dict(
            INSTALLED_APPS=BT_APPS,
            MIDDLEWARE=[],
            CACHES=redis_cache(p),
            BT_SECURITY_FEATURES=["ratelimit"],
            BT_SECURITY_RATELIMIT_OPERATIONS=BT_BENCH_LIMIT,
        ),
        needs=("bt_security",),
        redis=True,
    ),
    "d.bt_security-db": S(
        "d",
        ["login_ok", "login_bad", "login_ok_50"],
        lambda p: dict(BT_LOGIN, SESSION_ENGINE="bt_security.sessions.db"),
        needs=("bt_security",),
    ),
    "d.bt_security-redis": S(
        "d",
        ["login_ok", "login_bad", "login_ok_50"],
        lambda p: dict(
            BT_LOGIN, SESSION_ENGINE="bt_security.sessions.cache", CACHES=redis_cache(p)
        ),
        needs=("bt_security",),
        redis=True,
    ),
    "e.bt_security-totp": S(
        "e",
        ["mfa_bt", "mfa_bt_rc"],
        lambda p: dict(INSTALLED_APPS=BT_APPS, MIDDLEWARE=BT_AUTHED),
        needs=("bt_security",),
    ),
    "e.bt_security-login+totp": S(
        "e",
        ["login_totp_bt"],
        lambda p: dict(INSTALLED_APPS=BT_APPS, MIDDLEWARE=BT_AUTHED, BENCH_LOGIN="bt"),
        needs=("bt_security",),
    ),
}


def bt_limited(view):
    from bt_security.decorators import rate_limited

    return rate_limited("bench")(view)


def bt_trim_sessions(user, n):
    from bt_security import sessions

    for found in sorted(sessions.for_user(user), key=lambda one: one.created_at, reverse=True)[:n]:
        sessions.revoke(found.id)


BT_HOOKS = {
    # (view) -> view with the package's own limiter, "100 per minute per IP"
    "ratelimit_decorator": bt_limited,
    # login path, and (user, password) -> dict of POST fields
    "login_path": "/login/",
    "login_fields": lambda user, password: {"username": user, "password": password},
    # (user, n) -> revokes that user's n newest sessions (keeps login_ok_50 at 50)
    "trim_sessions": bt_trim_sessions,
    # Second factors have no adapter yet.
    "totp_device": None,
    "recovery": None,
    "mfa_path": None,
    "mfa_fields": None,
}
# ======================== end of the bt_security adapter ===================
STACKS.update(BT_STACKS)


# ==========================================================================
# worker
# ==========================================================================
def now():
    return time.perf_counter_ns(), time.thread_time_ns()


def since(t0):
    """(wall ns, CPU ns of this thread); CPU leaves out Redis and other processes."""
    c = time.thread_time_ns()
    return time.perf_counter_ns() - t0[0], c - t0[1]


class Worker:
    def __init__(self, name, port, tmp):
        self.name, self.port, self.tmp = name, port, tmp
        self.spec = STACKS[name]
        self.counter = 0
        self.setup()

    def setup(self):
        import logging
        import types

        from django.conf import settings

        overrides = self.spec["settings"](self.port)
        base = dict(
            DEBUG=False,
            SECRET_KEY="bench-" + "x" * 50,
            ALLOWED_HOSTS=["*"],
            ROOT_URLCONF="bench_urls",
            USE_TZ=True,
            LOGGING_CONFIG=None,
            INSTALLED_APPS=BASE_APPS,
            CACHES=LOCMEM,
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
            LOGIN_REDIRECT_URL="/read/",
            LOGIN_URL="/login/",
            EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
            STATIC_URL="/static/",
            SILENCED_SYSTEM_CHECKS=[
                "axes.W001",
                "axes.W002",
                "axes.W003",
                "django_ratelimit.E003",
                "django_ratelimit.W001",
            ],
            DATABASES={
                "default": {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": os.path.join(self.tmp, self.name.replace("/", "_") + ".sqlite3"),
                    "CONN_MAX_AGE": None,
                    "OPTIONS": {
                        "transaction_mode": "IMMEDIATE",
                        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                    },
                }
            },
            TEMPLATES=[
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "OPTIONS": {
                        "context_processors": [
                            "django.template.context_processors.request",
                            "django.contrib.auth.context_processors.auth",
                            "django.contrib.messages.context_processors.messages",
                        ],
                        "loaders": [
                            (
                                "django.template.loaders.cached.Loader",
                                [
                                    (
                                        "django.template.loaders.locmem.Loader",
                                        {
                                            "registration/login.html": "<form>{{ form.as_p }}</form>",
                                            "base.html": "<html>{% block content %}{% endblock %}</html>",
                                        },
                                    ),
                                    "django.template.loaders.app_directories.Loader",
                                ],
                            )
                        ],
                    },
                }
            ],
        )
        base.update(overrides)
        settings.configure(**base)
        logging.disable(logging.CRITICAL)
        sys.modules["bench_urls"] = urls = types.ModuleType("bench_urls")
        urls.urlpatterns = []

        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)

        self.make_users()
        self.make_urls(urls)
        from django.core.wsgi import get_wsgi_application

        self.app = get_wsgi_application()
        self.csrf = "A" * 32
        if any(s in ("read", "write") for s in self.spec["scenarios"]):
            self.session_cookie = self.make_session()
        for s in self.spec["scenarios"]:
            prep = getattr(self, "prep_" + s, None)
            if prep:
                prep()

    # -- fixtures ---------------------------------------------------------
    def make_users(self):
        from django.contrib.auth import get_user_model
        from django.contrib.auth.hashers import make_password

        User = get_user_model()
        pw = make_password(PASSWORD)
        User.objects.bulk_create(
            [
                User(username=f"u{i}", email=f"u{i}@example.com", password=pw, is_active=True)
                for i in range(N_USERS)
            ]
        )
        self.user = User.objects.get(username="u0")

    def make_session(self):
        """Log u0 in through django.contrib.auth.login with the stack's engine."""
        from importlib import import_module

        from django.conf import settings
        from django.contrib.auth import login
        from django.http import HttpRequest

        Store = import_module(settings.SESSION_ENGINE).SessionStore
        try:
            store = Store(ip="10.0.0.1", user_agent=UA)
        except TypeError:
            store = Store()
        req = HttpRequest()
        req.session = store
        req.META.update(
            REMOTE_ADDR="10.0.0.1", HTTP_USER_AGENT=UA, SERVER_NAME="t", SERVER_PORT="80"
        )
        login(req, self.user, backend="django.contrib.auth.backends.ModelBackend")
        req.session["pad"] = "p" * 200
        req.session.save()
        return req.session.session_key

    def make_urls(self, urls):
        from django.conf import settings
        from django.contrib.auth.views import LoginView
        from django.http import HttpResponse
        from django.urls import include, path
        from django.views.decorators.csrf import csrf_exempt

        body = ("<p>hello</p>" * 170).encode()

        def page(request):
            return HttpResponse(body)

        def page_nonce(request):
            return HttpResponse(b"<script nonce=%s>" % str(request.csp_nonce).encode() + body)

        def page_nonce_dj(request):
            from django.middleware.csp import get_nonce

            return HttpResponse(b"<script nonce=%s>" % str(get_nonce(request)).encode() + body)

        def read(request):
            assert request.user.is_authenticated
            return HttpResponse(body)

        def write(request):
            assert request.user.is_authenticated
            request.session["n"] = request.session.get("n", 0) + 1
            return HttpResponse(body)

        p = [
            path("page/", page),
            path("page_nonce/", page_nonce),
            path("page_nonce_dj/", page_nonce_dj),
            path("read/", read),
            path("write/", write),
        ]
        sc = self.spec["scenarios"]

        @csrf_exempt
        def rl_none(request):
            return HttpResponse(b"ok")

        p.append(path("rl_none/", rl_none))
        if "rl_ratelimit" in sc:
            from django_ratelimit.decorators import ratelimit

            p.append(
                path(
                    "rl_ratelimit/",
                    csrf_exempt(ratelimit(key="ip", rate="100/m", method="POST")(rl_none)),
                )
            )
        if "rl_allauth" in sc:
            from allauth.core.internal import ratelimit as rl

            def rl_allauth(request):
                r = rl.consume_or_429(
                    request, app="allauth.account", action="bench", config={"bench": "100/m/ip"}
                )
                return r or HttpResponse(b"ok")

            p.append(path("rl_allauth/", csrf_exempt(rl_allauth)))
        if "rl_axes" in sc:
            from axes.handlers.proxy import AxesProxyHandler

            def rl_axes(request):
                ok = AxesProxyHandler.is_allowed(request, {"username": "u1"})
                return HttpResponse(b"ok", status=200 if ok else 429)

            p.append(path("rl_axes/", csrf_exempt(rl_axes)))
        if "rl_defender" in sc:
            from defender import utils

            def rl_defender(request):
                return HttpResponse(b"ok", status=429 if utils.is_already_locked(request) else 200)

            p.append(path("rl_defender/", csrf_exempt(rl_defender)))
        if "rl_bt" in sc:
            p.append(path("rl_bt/", csrf_exempt(BT_HOOKS["ratelimit_decorator"](rl_none))))

        kind = getattr(settings, "BENCH_LOGIN", "plain")
        self.kind = kind
        if kind == "two_factor":
            from two_factor.urls import urlpatterns as tf

            p.append(
                path("", include((tf[0], tf[1])))
                if isinstance(tf, tuple)
                else path("", include(tf))
            )
            self.login_path = "/account/login/"
        elif kind == "allauth":
            p.append(path("accounts/", include("allauth.urls")))
            self.login_path = "/accounts/login/"
        elif kind == "bt":
            self.login_path = BT_HOOKS["login_path"]
            p.append(path("", include("bt_security.urls")))
        else:
            self.login_path = "/login/"
        if kind != "bt":
            p.append(path("login/", LoginView.as_view(), name="login"))
        urls.urlpatterns[:] = p

    # -- WSGI -------------------------------------------------------------
    def environ(self, method, path_, body=b"", cookies=None, ip="10.0.0.1"):
        import io

        e = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path_,
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "REMOTE_ADDR": ip,
            "HTTP_HOST": "testserver",
            "HTTP_USER_AGENT": UA,
            "HTTP_ACCEPT": "text/html",
            "CONTENT_LENGTH": str(len(body)),
        }
        if body:
            e["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
            e["HTTP_X_CSRFTOKEN"] = self.csrf
            cookies = dict(cookies or {}, csrftoken=self.csrf)
        if cookies:
            e["HTTP_COOKIE"] = "; ".join(f"{k}={v}" for k, v in cookies.items())
        return e

    def call(self, environ):
        out = {}

        def start_response(status, headers, exc_info=None):
            out["status"], out["headers"] = status, headers

        resp = self.app(environ, start_response)
        data = b"".join(resp)
        resp.close()
        out["body"] = data
        return out

    def timed(self, environ, expect):
        t0 = now()
        out = self.call(environ)
        dt = since(t0)
        if not out["status"].startswith(expect):
            raise RuntimeError(
                f"{self.name}: {environ['PATH_INFO']} gave {out['status']}, expected "
                f"{expect}: {out['body'][:600]!r}"
            )
        return dt, out

    def next_ip(self, every=20):
        n = self.counter // every
        self.counter += 1
        return f"10.{(n >> 16) & 255}.{(n >> 8) & 255}.{n & 255}"

    @staticmethod
    def cookies_of(out, jar):
        from http.cookies import SimpleCookie

        for k, v in out["headers"]:
            if k.lower() == "set-cookie":
                for m in SimpleCookie(v).values():
                    jar[m.key] = m.value
        return jar

    # -- scenarios: each returns a list of ns for n calls -------------------
    def run(self, scenario, n):
        fn = getattr(self, "do_" + scenario, None)
        if fn:
            return fn(n)
        if scenario.startswith("page"):
            return [self.timed(self.environ("GET", f"/{scenario}/"), "200")[0] for _ in range(n)]
        if scenario.startswith("rl_"):
            return [
                self.timed(self.environ("POST", f"/{scenario}/", b"x=1", ip=self.next_ip()), "200")[
                    0
                ]
                for _ in range(n)
            ]
        raise KeyError(scenario)

    def do_read(self, n, path_="/read/"):
        c = {"sessionid": self.session_cookie}
        return [self.timed(self.environ("GET", path_, cookies=c), "200")[0] for _ in range(n)]

    def do_write(self, n):
        return self.do_read(n, "/write/")

    def login_body(self, user, password):
        from urllib.parse import urlencode

        if self.kind == "two_factor":
            d = {
                "login_view-current_step": "auth",
                "auth-username": user,
                "auth-password": password,
            }
        elif self.kind == "allauth":
            d = {"login": user, "password": password}
        elif self.kind == "bt":
            d = BT_HOOKS["login_fields"](user, password)
        else:
            d = {"username": user, "password": password}
        return urlencode(d).encode()

    def do_login_ok(self, n, fixed_user=None):
        out = []
        for _ in range(n):
            i = self.counter
            u = fixed_user or f"u{1 + i % (N_USERS - 2)}"
            e = self.environ(
                "POST", self.login_path, self.login_body(u, PASSWORD), ip=self.next_ip(5)
            )
            out.append(self.timed(e, "302")[0])
        return out

    def do_login_bad(self, n):
        out = []
        for _ in range(n):
            i = self.counter
            e = self.environ(
                "POST",
                self.login_path,
                self.login_body(f"nobody{i // 2}", "wrong"),
                ip=self.next_ip(5),
            )
            out.append(self.timed(e, "200")[0])
        return out

    # login of one user who already has 50 live sessions (kept at 50)
    def prep_login_ok_50(self):
        self.do_login_ok(50, fixed_user=f"u{N_USERS - 1}")

    def do_login_ok_50(self, n):
        n = max(5, n // 10)  # the table grows: small batch, then trim
        res = self.do_login_ok(n, fixed_user=f"u{N_USERS - 1}")
        if "allauth" in self.name:
            from allauth.usersessions.models import UserSession

            for s in UserSession.objects.filter(user__username=f"u{N_USERS - 1}").order_by("-pk")[
                :n
            ]:
                s.end()
        elif "bt_security" in self.name and BT_HOOKS["trim_sessions"]:
            from django.contrib.auth import get_user_model

            BT_HOOKS["trim_sessions"](get_user_model().objects.get(username=f"u{N_USERS - 1}"), n)
        return res

    # -- MFA --------------------------------------------------------------
    def code(self):
        import pyotp

        return pyotp.TOTP(TOTP_SECRET_B32).now()

    def prep_mfa_floor(self):
        from django.db import connection

        with connection.cursor() as c:
            c.execute(
                "create table bench_totp(user_id integer primary key, secret text, last_t integer)"
            )
            c.execute("insert into bench_totp values(%s,%s,0)", [self.user.pk, TOTP_SECRET_B32])

    def do_mfa_floor(self, n):
        """SELECT secret; TOTP over t-1..t+1; conditional UPDATE, in one transaction."""
        import pyotp
        from django.db import connection, transaction

        out = []
        for _ in range(n):
            code = self.code()
            t0 = now()
            with transaction.atomic(), connection.cursor() as c:
                c.execute("select secret,last_t from bench_totp where user_id=%s", [self.user.pk])
                secret, last = c.fetchone()
                totp, step = pyotp.TOTP(secret), int(time.time()) // 30
                ok = None
                for t in (step - 1, step, step + 1):
                    if pyotp.utils.strings_equal(code, totp.generate_otp(t)):
                        ok = t
                c.execute(
                    "update bench_totp set last_t=%s where user_id=%s and last_t<%s",
                    [ok, self.user.pk, ok],
                )
                assert c.rowcount == 1
            out.append(since(t0))
            with connection.cursor() as c:
                c.execute("update bench_totp set last_t=0")
        return out

    def prep_mfa_otp(self):
        import base64
        from django_otp.plugins.otp_totp.models import TOTPDevice

        self.dev = TOTPDevice.objects.create(
            user=self.user, name="t", key=base64.b32decode(TOTP_SECRET_B32).hex()
        )

    def do_mfa_otp(self, n):
        from django_otp import verify_token
        from django_otp.plugins.otp_totp.models import TOTPDevice

        out = []
        for _ in range(n):
            code = self.code()
            t0 = now()
            ok = verify_token(self.user, self.dev.persistent_id, code)
            out.append(since(t0))
            assert ok
            TOTPDevice.objects.update(last_t=-1, drift=0)
        return out

    def prep_mfa_allauth(self):
        from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
        from allauth.mfa.totp.internal.auth import TOTP

        TOTP.activate(self.user, TOTP_SECRET_B32)
        RecoveryCodes.activate(self.user)

    def do_mfa_allauth(self, n):
        from allauth.mfa.models import Authenticator
        from django.core.cache import cache

        out = []
        for _ in range(n):
            code = self.code()
            t0 = now()
            a = Authenticator.objects.get(user=self.user, type="totp")
            ok = a.wrap().validate_code(code)
            a.record_usage()
            out.append(since(t0))
            assert ok
            cache.clear()
        return out

    def do_mfa_allauth_rc(self, n):
        from allauth.mfa.models import Authenticator

        out = []
        for _ in range(n):
            a = Authenticator.objects.get(user=self.user, type="recovery_codes")
            a.data["used_mask"] = 0
            a.save()
            code = a.wrap().get_unused_codes()[9]
            t0 = now()
            a = Authenticator.objects.get(user=self.user, type="recovery_codes")
            ok = a.wrap().validate_code(code)
            out.append(since(t0))
            assert ok
        return out

    def _two_step(self, n, second_path, second_body, reset):
        out = []
        for _ in range(n):
            ip = self.next_ip(5)
            jar = {}
            t0 = now()
            o = self.call(
                self.environ("POST", self.login_path, self.login_body("u0", PASSWORD), ip=ip)
            )
            self.cookies_of(o, jar)
            o2 = self.call(
                self.environ("POST", second_path, second_body(self.code()), cookies=jar, ip=ip)
            )
            dt = since(t0)
            if not o2["status"].startswith("302"):
                raise RuntimeError(
                    f"{self.name}: second step gave {o2['status']} {o2['body'][:800]!r}"
                )
            out.append(dt)
            reset()
        return out

    def prep_login_totp_two_factor(self):
        import base64
        from django_otp.plugins.otp_totp.models import TOTPDevice

        TOTPDevice.objects.create(
            user=self.user, name="default", key=base64.b32decode(TOTP_SECRET_B32).hex()
        )

    def do_login_totp_two_factor(self, n):
        from urllib.parse import urlencode
        from django_otp.plugins.otp_totp.models import TOTPDevice

        return self._two_step(
            n,
            self.login_path,
            lambda c: urlencode(
                {"login_view-current_step": "token", "token-otp_token": c}
            ).encode(),
            lambda: TOTPDevice.objects.update(last_t=-1, drift=0),
        )

    def prep_login_totp_allauth(self):
        self.prep_mfa_allauth()

    def do_login_totp_allauth(self, n):
        from django.core.cache import cache

        return self._two_step(
            n, "/accounts/2fa/authenticate/", lambda c: ("code=" + c).encode(), cache.clear
        )

    # bt_security hooks
    def prep_mfa_bt(self):
        self.bt = BT_HOOKS["totp_device"](self.user, TOTP_SECRET_B32)

    def do_mfa_bt(self, n):
        out = []
        for _ in range(n):
            code = self.code()
            t0 = now()
            ok = self.bt.verify(code)
            out.append(since(t0))
            assert ok
            self.bt.reset()
        return out

    def do_mfa_bt_rc(self, n):
        rc, out, pool = BT_HOOKS["recovery"](self.user), [], []
        for _ in range(n):
            pool = pool or list(rc.codes())
            code = pool.pop()
            t0 = now()
            ok = rc.verify(code)
            out.append(since(t0))
            assert ok
        return out

    def prep_login_totp_bt(self):
        self.bt = BT_HOOKS["totp_device"](self.user, TOTP_SECRET_B32)

    def do_login_totp_bt(self, n):
        return self._two_step(n, BT_HOOKS["mfa_path"], BT_HOOKS["mfa_fields"], self.bt.reset)

    # -- WebAuthn assertion verify, library level (ES256) ----------------------
    def _assertion(self):
        import base64
        import hashlib
        import struct

        import cbor2
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()  # noqa: E731
        key = ec.generate_private_key(ec.SECP256R1())
        nums = key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: nums.x.to_bytes(32, "big"), -3: nums.y.to_bytes(32, "big")}
        chal, cid = os.urandom(32), os.urandom(32)
        cd = json.dumps(
            {"type": "webauthn.get", "challenge": b64(chal), "origin": "https://example.com"}
        ).encode()
        ad = hashlib.sha256(b"example.com").digest() + b"\x05" + struct.pack(">I", 7)
        sig = key.sign(ad + hashlib.sha256(cd).digest(), ec.ECDSA(hashes.SHA256()))
        cred = {
            "id": b64(cid),
            "rawId": b64(cid),
            "type": "public-key",
            "response": {
                "clientDataJSON": b64(cd),
                "authenticatorData": b64(ad),
                "signature": b64(sig),
            },
        }
        return cbor2.dumps(cose), cose, chal, cid, cred, b64

    def do_wa_pywebauthn(self, n):
        from webauthn import verify_authentication_response

        pub, _, chal, _, cred, _ = self._assertion()
        out = []
        for _ in range(n):
            t0 = now()
            verify_authentication_response(
                credential=cred,
                expected_challenge=chal,
                expected_rp_id="example.com",
                expected_origin="https://example.com",
                credential_public_key=pub,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
            out.append(since(t0))
        return out

    def do_wa_fido2(self, n):
        from fido2.cose import CoseKey
        from fido2.server import Fido2Server
        from fido2.webauthn import AttestedCredentialData, PublicKeyCredentialRpEntity

        _, cose, chal, cid, cred, b64 = self._assertion()
        acd = AttestedCredentialData.create(b"\0" * 16, cid, CoseKey.parse(cose))
        srv = Fido2Server(PublicKeyCredentialRpEntity(id="example.com", name="x"))
        st = {"challenge": b64(chal), "user_verification": "required"}
        out = []
        for _ in range(n):
            t0 = now()
            srv.authenticate_complete(st, [acd], cred)
            out.append(since(t0))
        return out


def worker_main(name, port, tmp):
    real = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # keep stray prints off the protocol
    try:
        w = Worker(name, port, tmp)
    except Exception as exc:  # reported to the parent
        import traceback

        real.write(json.dumps({"error": repr(exc), "tb": traceback.format_exc()}) + "\n")
        return
    real.write(json.dumps({"ready": True}) + "\n")
    import gc

    for line in sys.stdin:
        cmd = json.loads(line)
        if cmd["cmd"] == "quit":
            break
        try:
            gc.collect()
            gc.disable()
            ns = w.run(cmd["scenario"], cmd["n"])
            gc.enable()
            real.write(
                json.dumps(
                    {
                        "median": statistics.median(w for w, _ in ns),
                        "cpu": statistics.median(c for _, c in ns),
                        "n": len(ns),
                    }
                )
                + "\n"
            )
        except Exception as exc:
            import traceback

            real.write(json.dumps({"error": repr(exc), "tb": traceback.format_exc()}) + "\n")


# ==========================================================================
# parent
# ==========================================================================
def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def have(mod):
    try:
        return importlib.util.find_spec(mod) is not None
    except ModuleNotFoundError:
        return False


def bt_ready(name, spec):
    need = {
        "rl_bt": "ratelimit_decorator",
        "mfa_bt": "totp_device",
        "mfa_bt_rc": "recovery",
        "login_totp_bt": "mfa_path",
    }
    miss = [need[s] for s in spec["scenarios"] if s in need and BT_HOOKS[need[s]] is None]
    if name.startswith("d.bt") and BT_HOOKS["login_fields"] is None:
        miss.append("login_fields")
    return miss


# scenario -> the baseline scenario it is divided by (default: the same scenario
# of the group's baseline stack)
BASE_SCENARIO = {
    "page_nonce": "page",
    "page_nonce_dj": "page",
    "rl_ratelimit": "rl_none",
    "rl_allauth": "rl_none",
    "rl_axes": "rl_none",
    "rl_defender": "rl_none",
    "rl_bt": "rl_none",
    "mfa_otp": "mfa_floor",
    "mfa_allauth": "mfa_floor",
    "mfa_allauth_rc": "mfa_floor",
    "mfa_bt": "mfa_floor",
    "mfa_bt_rc": "mfa_floor",
    "login_totp_two_factor": "login_ok",
    "login_totp_allauth": "login_ok",
    "login_totp_bt": "login_ok",
    "wa_pywebauthn": "mfa_floor",
    "wa_fido2": "mfa_floor",
    "login_ok_50": "login_ok",
}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--rounds", type=int, default=15)
    ap.add_argument("--batch", type=int, default=100)
    ap.add_argument("--only", default="a,b,c,d,e")
    ap.add_argument("--json")
    ap.add_argument("--worker")
    ap.add_argument("--port", type=int, default=0)
    ap.add_argument("--tmp")
    args = ap.parse_args()
    if args.worker:
        return worker_main(args.worker, args.port, args.tmp)

    groups = args.only.split(",")
    tmp = tempfile.mkdtemp(prefix="btbench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    redis_proc, port = None, 0
    exe = shutil.which("redis-server")
    if exe:
        port = free_port()
        redis_proc = subprocess.Popen(
            [
                exe,
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                tmp,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)
    failed, skipped, report = [], [], {}
    try:
        for g in groups:
            report.update(run_group(g, args, tmp, port, redis_proc is not None, failed, skipped))
    finally:
        if redis_proc:
            redis_proc.terminate()
            redis_proc.wait()
        shutil.rmtree(tmp, ignore_errors=True)
    import platform

    vers = {}
    from importlib.metadata import PackageNotFoundError, version

    for d in (
        "Django django-allauth django-axes django-csp django-defender django-otp django-qsessions "
        "django-ratelimit django-redis django-two-factor-auth django-user-sessions fido2 pyotp redis "
        "webauthn django-bt-security"
    ).split():
        try:
            vers[d] = version(d)
        except PackageNotFoundError:
            pass
    meta = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rounds": args.rounds,
        "batch": args.batch,
        "versions": vers,
    }
    print("\n" + json.dumps(meta))
    for s in skipped:
        print("skipped:", s)
    for f in failed:
        print("FAILED:", f)
    if args.json:
        with open(args.json, "w") as fh:
            json.dump(
                {"meta": meta, "results": report, "skipped": skipped, "failed": failed},
                fh,
                indent=1,
            )
    return 1 if failed else 0


def run_group(g, args, tmp, port, has_redis, failed, skipped):
    procs = {}
    for name, spec in STACKS.items():
        if spec["group"] != g:
            continue
        miss = [m for m in spec["needs"] if not have(m)]
        if miss or (spec["redis"] and not has_redis):
            skipped.append(f"{name}: missing {miss or 'redis-server'}")
            continue
        bt = bt_ready(name, spec) if "bt_security" in spec["needs"] else []
        if bt:
            skipped.append(f"{name}: adapter hooks not filled in: {bt}")
            continue
        procs[name] = subprocess.Popen(
            [sys.executable, HERE, "--worker", name, "--port", str(port), "--tmp", tmp],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def ask(name, **cmd):
        p = procs[name]
        p.stdin.write(json.dumps(cmd) + "\n")
        p.stdin.flush()
        return json.loads(p.stdout.readline() or '{"error": "worker died"}')

    for name in list(procs):
        r = json.loads(procs[name].stdout.readline() or '{"error": "worker died"}')
        if "error" in r:
            failed.append(f"{name}: {r['error']}\n{r.get('tb', '')}")
            procs.pop(name).wait()
    try:
        units = [(n, s) for n in procs for s in STACKS[n]["scenarios"]]
        for n, s in list(units):  # warm up
            r = ask(n, cmd="run", scenario=s, n=max(20, args.batch // 2))
            if "error" in r:
                failed.append(f"{n}/{s}: {r['error']}\n{r.get('tb', '')}")
                units.remove((n, s))
        data = {u: [] for u in units}
        for rnd in range(args.rounds):
            order = units[rnd % len(units) :] + units[: rnd % len(units)] if units else []
            if rnd % 2:
                order = order[::-1]
            for n, s in order:
                r = ask(n, cmd="run", scenario=s, n=args.batch)
                if "error" in r:
                    failed.append(f"{n}/{s}: {r['error']}\n{r.get('tb', '')}")
                    data[(n, s)].append(None)
                else:
                    data[(n, s)].append((r["median"], r["cpu"]))
    finally:
        for p in procs.values():
            try:
                p.stdin.write('{"cmd":"quit"}\n')
                p.stdin.close()
            except (OSError, ValueError):
                pass
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
    base_stack = next(n for n, s in STACKS.items() if s["group"] == g and s["base"])
    out = {}
    print(
        f"\n== group {g}: baseline {base_stack}\n{'stack / scenario':52s} {'us':>8s} {'ratio':>7s}"
        f" {'q1-q3':>13s} {'quiet':>7s} {'cpu':>7s} {'delta us':>9s}"
    )
    for (n, s), vals in data.items():
        b = data.get((base_stack, BASE_SCENARIO.get(s, s)))
        pairs = [(v, w) for v, w in zip(vals, b or []) if v and w]
        if not pairs:
            continue
        ratios = sorted(v[0] / w[0] for v, w in pairs)
        q = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [ratios[0]] * 3
        us = min(v[0] for v, _ in pairs) / 1000
        quiet = min(v[0] for v, _ in pairs) / min(w[0] for _, w in pairs)
        cpu = statistics.median(v[1] / w[1] for v, w in pairs)
        d = us - min(w[0] for _, w in pairs) / 1000
        out[f"{n}/{s}"] = dict(
            us=round(us, 1),
            ratio=round(q[1], 3),
            q1=round(q[0], 3),
            q3=round(q[2], 3),
            quiet=round(quiet, 3),
            cpu_ratio=round(cpu, 3),
            delta_us=round(d, 1),
            base=f"{base_stack}/{BASE_SCENARIO.get(s, s)}",
        )
        print(
            f"{n + ' / ' + s:52s} {us:8.1f} {q[1]:7.2f} {q[0]:6.2f}-{q[2]:<6.2f} {quiet:7.2f} {cpu:7.2f} {d:9.1f}"
        )
    return out


if __name__ == "__main__":
    sys.exit(main())
