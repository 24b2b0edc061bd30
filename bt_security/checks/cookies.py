"""Checks of the two cookies: attributes that browsers refuse, and former names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from bt_security.checks.features import is_on
from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.cookies import ROLES, Cookies
from bt_security.conf.site import Site

HOST_PREFIX = "__Host-"
SECURE_PREFIXES = (HOST_PREFIX, "__Secure-")


def check_session_from_other_sites(**_: Any) -> list[CheckMessage]:
    """Report a session cookie that browsers refuse: `SameSite=None` without Secure (E070)."""
    is_refused = (
        str(settings.SESSION_COOKIE_SAMESITE).lower() == "none"
        and settings.SESSION_COOKIE_SAMESITE is not None
        and not settings.SESSION_COOKIE_SECURE
    )
    if not is_refused or not is_on("sessions") or is_on("csrf"):  # E112 speaks of both cookies
        return []
    return [
        finding(
            "E070",
            "SESSION_COOKIE_SAMESITE is None without SESSION_COOKIE_SECURE: browsers drop such a "
            "cookie.",
            hint='Set SESSION_COOKIE_SECURE = True, or SESSION_COOKIE_SAMESITE = "Lax".',
        )
    ]


def check_host_names(**_: Any) -> list[CheckMessage]:
    """Report a `__Host-` or `__Secure-` name whose attributes browsers refuse (E072)."""
    return [
        finding(
            "E072",
            f"{kind}_COOKIE_NAME is {name}, and {' and '.join(wrong)}: browsers drop it.",
            hint="`__Host-` needs Secure, the path / and no domain; `__Secure-` needs Secure.",
        )
        for kind in ("SESSION", "CSRF")
        if (name := getattr(settings, f"{kind}_COOKIE_NAME")).startswith(SECURE_PREFIXES)
        and (wrong := list(_refused_attributes(kind, name)))
    ]


def check_old_names(**_: Any) -> list[CheckMessage]:
    """Report former names that cannot work (E073)."""
    if Cookies.old_names.fault() is not None:
        return []  # E001 speaks of it
    return [
        finding(
            "E073",
            f"BT_SECURITY_COOKIES_OLD_NAMES: {fault}.",
            hint='Write it like {"session": ["sessionid"], "csrf": ["csrftoken"]}.',
        )
        for fault in _old_name_faults(conf.cookies.old_names)
    ]


def check_secure_on_plain_address(**_: Any) -> list[CheckMessage]:
    """Report Secure cookies of a site that is opened by plain http (W070)."""
    if Site.base_url.fault() is not None or not conf.site.base_url.lower().startswith("http:"):
        return []
    secure = [f"{kind}_COOKIE_SECURE" for kind in ("SESSION", "CSRF") if _is_secure(kind)]
    if not secure:
        return []
    return [
        finding(
            "W070",
            f"BT_SECURITY_SITE_BASE_URL is plain http, and {' and '.join(secure)} is on: "
            "browsers drop the cookies, and nobody can log in.",
            hint="Serve the site by https, or set COOKIE_SECURE=false (both settings False).",
        )
    ]


def check_names_still_old(**_: Any) -> list[CheckMessage]:
    """Report that cookies are still read under former names (W075)."""
    if Cookies.old_names.fault() is not None or not conf.cookies.old_names:
        return []
    return [
        finding(
            "W075",
            "BT_SECURITY_COOKIES_OLD_NAMES is still set: a cookie without the protection of the "
            "new name is accepted.",
            hint="Remove it once the longest session of before the change has ended.",
        )
    ]


COOKIE_CHECKS = (
    check_session_from_other_sites,
    check_host_names,
    check_old_names,
    check_secure_on_plain_address,
)
COOKIE_DEPLOY_CHECKS = (check_names_still_old,)


def _is_secure(kind: str) -> bool:
    return bool(getattr(settings, f"{kind}_COOKIE_SECURE"))


def _refused_attributes(kind: str, name: str) -> Iterator[str]:
    if not _is_secure(kind):
        yield f"{kind}_COOKIE_SECURE is off"
    if not name.startswith(HOST_PREFIX):
        return
    if getattr(settings, f"{kind}_COOKIE_DOMAIN"):
        yield f"{kind}_COOKIE_DOMAIN is set"
    if getattr(settings, f"{kind}_COOKIE_PATH") != "/":
        yield f"{kind}_COOKIE_PATH is not /"


def _old_name_faults(old_names: dict[str, list[str]]) -> Iterator[str]:
    current = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
    seen: set[str] = set()
    for role, names in old_names.items():
        if role not in ROLES:
            yield f"{role!r} is no cookie of this package, which are {' and '.join(ROLES)}"
        for name in names:
            if name in current:
                yield f"{name!r} is the name of today"
            if name in seen:
                yield f"{name!r} stands there twice"
            seen.add(name)
