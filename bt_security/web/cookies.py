"""The session and the CSRF cookie: their attributes on the way out, and their former names."""

from __future__ import annotations

import logging
from functools import cache
from typing import Literal, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from bt_security.conf import conf
from bt_security.conf.cookies import ROLES, Cookies, Role

logger = logging.getLogger("bt_security.cookies")

SameSite = Literal["Lax", "Strict", "None"]
Trouble = Literal["", "plain http", "unknown proxy"]
"""Why cookies cannot work on a request: see `trouble`."""

HOST_PREFIX = "__Host-"
SECURE_PREFIXES = (HOST_PREFIX, "__Secure-")
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that browsers take Secure cookies from without TLS."""

DROPPED_SCHEME = "_bt_security_dropped_scheme"
"""Attribute of a request with the scheme that a proxy named whom nobody trusts."""

_ADOPTED = "_bt_security_old_cookies"
_READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class CookieForm(NamedTuple):
    """What Django's settings say about one cookie."""

    name: str
    domain: str | None
    path: str
    is_secure: bool
    is_http_only: bool
    same_site: SameSite | None


def cookie_form(role: Role) -> CookieForm:
    """Return name and attributes of the session or CSRF cookie, read live."""
    start = f"{role.upper()}_COOKIE_"
    return CookieForm(
        name=getattr(settings, f"{start}NAME"),
        domain=getattr(settings, f"{start}DOMAIN") or None,
        path=getattr(settings, f"{start}PATH"),
        is_secure=bool(getattr(settings, f"{start}SECURE")),
        is_http_only=bool(getattr(settings, f"{start}HTTPONLY")),
        same_site=getattr(settings, f"{start}SAMESITE") or None,
    )


def on_request(request: HttpRequest) -> None:
    """Let a cookie that was sent under an old name count as the new one, if that is missing.

    Raises:
        ImproperlyConfigured: `BT_SECURITY_COOKIES_OLD_NAMES` is malformed.
    """
    if not Cookies.old_names.is_set():
        return
    old_names = conf.cookies.old_names
    names: dict[Role, str] = {role: _name(role) for role in ROLES}
    adopted: dict[Role, tuple[str, ...]] = {}
    for role, name in names.items():
        old = [each for each in old_names.get(role, []) if each not in names.values()]
        # None stays under an old name: error reports hide the session's cookie by its new one.
        found = {each: request.COOKIES.pop(each, "") for each in old}
        sent = tuple(each for each, value in found.items() if value)
        if sent and name not in request.COOKIES:
            request.COOKIES[name] = found[sent[0]]
            adopted[role] = sent
    setattr(request, _ADOPTED, adopted)


def on_response(request: HttpRequest, response: HttpResponseBase) -> None:
    """Send adopted cookies under their new name, and complete the attributes of ours."""
    adopted: dict[Role, tuple[str, ...]] = getattr(request, _ADOPTED, {})
    for role, sent in adopted.items():
        _send_again(role, sent, request, response)
    if not response.cookies:
        return
    if conf.has_feature("sessions"):
        _complete("session", request, response)
    if conf.has_feature("csrf"):
        _complete("csrf", request, response)


def trouble(request: HttpRequest) -> Trouble:
    """Tell why cookies or their checks fail on this request, "" if nothing speaks for it.

    `plain http`: our cookies are Secure and the page came without TLS, so the browser drops them.
    `unknown proxy`: a proxy says that it speaks https, and the site does not trust its word.
    """
    if request.is_secure():
        return ""
    if claims_https(request):
        return "unknown proxy"
    return "plain http" if _drops_secure_cookies(request) else ""


def could_not_be_stored(request: HttpRequest) -> bool:
    """Whether the browser drops our cookies: they are Secure, and the page came by plain HTTP.

    False when one arrived after all, as browsers allow on localhost, and when a proxy says that
    it speaks https. Safe for any request; reads settings, headers and cookies only.
    """
    return trouble(request) == "plain http"


def claims_https(request: HttpRequest) -> bool:
    """Whether `X-Forwarded-Proto` says https, trusted or not."""
    dropped = getattr(request, DROPPED_SCHEME, "")
    return (dropped or request.META.get("HTTP_X_FORWARDED_PROTO", "")) == "https"


def _drops_secure_cookies(request: HttpRequest) -> bool:
    forms = [cookie_form(role) for role in ROLES if role != "csrf" or _has_csrf_cookie()]
    secure = [form for form in forms if _must_be_secure(form)]
    if not secure or any(form.name in request.COOKIES for form in secure):
        return False
    return request.method not in _READ_METHODS or not _is_loopback(request)


def _name(role: Role) -> str:
    return settings.SESSION_COOKIE_NAME if role == "session" else settings.CSRF_COOKIE_NAME


def _has_csrf_cookie() -> bool:
    return not settings.CSRF_USE_SESSIONS


def _must_be_secure(form: CookieForm) -> bool:
    return form.is_secure or form.name.startswith(SECURE_PREFIXES)


def _is_loopback(request: HttpRequest) -> bool:
    host = str(request.META.get("HTTP_HOST", "")).lower()
    name = host.rpartition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return name in LOOPBACK_HOSTS or name.endswith(".localhost")


def _send_again(
    role: Role, sent: tuple[str, ...], request: HttpRequest, response: HttpResponseBase
) -> None:
    """Replace the old cookies by a new one, once the request has shown that it is good."""
    form = cookie_form(role)
    if form.name not in response.cookies:  # neither renewed nor deleted by Django's middleware
        kept = _kept_session(request) if role == "session" else _kept_secret(request)
        if kept is None:
            return
        response.set_cookie(
            form.name,
            kept.value,
            max_age=kept.age_seconds,
            path=form.path,
            domain=form.domain,
            secure=form.is_secure,
            httponly=form.is_http_only,
            samesite=form.same_site,
        )
        patch_vary_headers(response, ("Cookie",))
    for old in sent:
        response.delete_cookie(old, path=form.path, domain=form.domain, samesite=form.same_site)


class _Kept(NamedTuple):
    value: str
    age_seconds: int | None


def _kept_session(request: HttpRequest) -> _Kept | None:
    """Return key and age of a session that this request has loaded; others are left as they are."""
    session = getattr(request, "session", None)
    if session is None or not session.accessed or not session.session_key:
        return None
    ends_with_browser = session.get_expire_at_browser_close()
    return _Kept(session.session_key, None if ends_with_browser else session.get_expiry_age())


def _kept_secret(request: HttpRequest) -> _Kept | None:
    secret = request.META.get("CSRF_COOKIE")  # Django's middleware puts it there once judged
    if not secret or not _has_csrf_cookie():
        return None
    return _Kept(str(secret), settings.CSRF_COOKIE_AGE)


def _complete(role: Role, request: HttpRequest, response: HttpResponseBase) -> None:
    name = _name(role)
    cookie = response.cookies.get(name)
    if cookie is None:
        return
    if role == "session":
        cookie["httponly"] = True
    if name.startswith(HOST_PREFIX):
        cookie["secure"], cookie["path"], cookie["domain"] = True, "/", ""
    elif request.is_secure() and role in conf.cookies.secure_by_request:
        cookie["secure"] = True
    if cookie["secure"] and cookie.value and could_not_be_stored(request):
        _explain()


@cache
def _explain() -> None:
    """Log it; `cache` makes that once per process."""
    logger.warning(
        "A Secure cookie went out on a plain HTTP request, and browsers do not store it: people "
        "cannot log in there. Open the site by https. If TLS ends at a proxy, set TRUST_PROXY "
        "(BT_SECURITY_NET_TRUST_PROXY and SECURE_PROXY_SSL_HEADER). If the site has no TLS at "
        "all, set COOKIE_SECURE=false (SESSION_COOKIE_SECURE, CSRF_COOKIE_SECURE and cookie "
        "names without __Host-)."
    )
