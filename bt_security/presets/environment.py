"""The environment variables of the presets: read here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_WORDS = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}
_SAME_SITE = {"strict": "Strict", "lax": "Lax", "none": "None"}
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER = re.compile(r"[0-9]{1,6}")
_MAX_HOURS = 8_760

VARIABLES: dict[str, str] = {
    "HTTPS": "The site is opened by https: Secure cookies and `Strict-Transport-Security`.",
    "FORCE_HTTPS": "Redirect http to https, and all of `HTTPS`.",
    "COOKIE_SECURE": "Whether the cookies are Secure, whatever the other variables say.",
    "BASE_URL": "Address of the site. Its scheme decides on Secure when the three above are unset.",
    "TRUST_PROXY": "Number of proxies in front of the site, or their networks with commas "
    "between: their `X-Forwarded-For` and `X-Forwarded-Proto` count.",
    "CSRF_HTTP_ONLY": "Whether scripts cannot read the CSRF cookie.",
    "CSRF_SAME_SITE": "`strict`, `lax` or `none` for the CSRF cookie.",
    "CSRF_SECURE": "Whether the CSRF cookie is Secure, if it differs from the session's.",
    "CSRF_COOKIE_NAME": "Name of the CSRF cookie.",
    "SESSION_LIFETIME_HOURS": "Hours after log-in at which a session ends, 1 to 8760.",
    "SESSION_SECRET": "`SECRET_KEY` of a site that passes none to `strict`, 32 bytes or more.",
    "ALLOW_INTERNAL_NETWORK": "Let the site fetch from private networks.",
    "HSTS_INCLUDE_SUBDOMAINS": "Extend `Strict-Transport-Security` to all subdomains.",
    "SINGLE_USER": "Log-in name of the regular account that every visitor is.",
}
"""Every variable and its meaning, in the order of the documentation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the variables say; None where one is not set. The secret is not in `repr`."""

    https: bool | None
    force_https: bool
    cookie_secure: bool | None
    base_url: str
    trust_proxy: int | list[str] | None
    csrf_http_only: bool
    csrf_same_site: str
    csrf_secure: bool | None
    csrf_cookie_name: str
    session_lifetime_hours: int | None
    session_secret: str = field(repr=False)
    allow_internal_network: bool | None
    hsts_include_subdomains: bool
    single_user: str

    @property
    def is_https(self) -> bool:
        """Whether the operator says that the site is opened by https."""
        return bool(self.https or self.force_https)

    @property
    def is_secure(self) -> bool | None:
        """Whether session cookies are Secure; None leaves it to each request."""
        if self.cookie_secure is not None:
            return self.cookie_secure
        if self.https is not None or self.force_https:
            return self.is_https
        return self.base_url.startswith("https:") if self.base_url else None


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Read the variables of `VARIABLES`.

    Raises:
        ImproperlyConfigured: names the variable and what it takes, never its value.
    """
    found = Environment(
        https=_flag(environ, "HTTPS"),
        force_https=_flag(environ, "FORCE_HTTPS") or False,
        cookie_secure=_flag(environ, "COOKIE_SECURE"),
        base_url=_base_url(environ),
        trust_proxy=_trust_proxy(environ),
        csrf_http_only=_flag(environ, "CSRF_HTTP_ONLY") is not False,
        csrf_same_site=_same_site(environ),
        csrf_secure=_flag(environ, "CSRF_SECURE"),
        csrf_cookie_name=_cookie_name(environ),
        session_lifetime_hours=_hours(environ),
        session_secret=_text(environ, "SESSION_SECRET"),
        allow_internal_network=_flag(environ, "ALLOW_INTERNAL_NETWORK"),
        hsts_include_subdomains=_flag(environ, "HSTS_INCLUDE_SUBDOMAINS") or False,
        single_user=_single_user(environ),
    )
    if found.force_https and found.https is False:
        raise ImproperlyConfigured("FORCE_HTTPS is on and HTTPS is off: change one of them.")
    return found


def _text(environ: Mapping[str, str], name: str) -> str:
    text = environ.get(name)
    if text is not None and not text.strip():
        raise ImproperlyConfigured(f"{name} is empty: give it a value or leave it out.")
    return text or ""


def _flag(environ: Mapping[str, str], name: str) -> bool | None:
    text = _text(environ, name).strip().lower()
    if text and text not in _WORDS:
        raise _refused(name, "true, false, 1, 0, yes, no, on or off")
    return _WORDS.get(text)


def _hours(environ: Mapping[str, str]) -> int | None:
    name = "SESSION_LIFETIME_HOURS"
    text = _text(environ, name).strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= _MAX_HOURS:
        raise _refused(name, f"a number of hours, 1 to {_MAX_HOURS}")
    return int(text)


def _trust_proxy(environ: Mapping[str, str]) -> int | list[str] | None:
    text = _text(environ, "TRUST_PROXY").strip()
    if not text:
        return None
    if _NUMBER.fullmatch(text):
        return int(text)
    networks = [part.strip() for part in text.split(",")]
    if not all(map(_is_network, networks)):
        raise _refused("TRUST_PROXY", "a number of proxies, or their addresses and networks")
    return networks


def _is_network(text: str) -> bool:
    try:
        return ip_network(text).prefixlen > 0
    except ValueError:
        return False


def _base_url(environ: Mapping[str, str]) -> str:
    text = _text(environ, "BASE_URL").strip()
    if not text:
        return ""
    if not _is_web_address(text):
        raise _refused("BASE_URL", "an address such as https://bills.example.com, or by http://")
    scheme, mark, rest = text.rstrip("/").partition("://")
    return f"{scheme.lower()}{mark}{rest}"


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def _same_site(environ: Mapping[str, str]) -> str:
    text = _text(environ, "CSRF_SAME_SITE").strip().lower() or "strict"
    if text not in _SAME_SITE:
        raise _refused("CSRF_SAME_SITE", "strict, lax or none")
    return _SAME_SITE[text]


def _cookie_name(environ: Mapping[str, str]) -> str:
    text = _text(environ, "CSRF_COOKIE_NAME")
    if text and not _COOKIE_NAME.fullmatch(text):
        raise _refused("CSRF_COOKIE_NAME", "letters, digits and !#$%&'*+.^_`|~-")
    return text


def _single_user(environ: Mapping[str, str]) -> str:
    text = _text(environ, "SINGLE_USER").strip()
    switch = _WORDS.get(text.lower())
    if switch:
        raise _refused("SINGLE_USER", "the log-in name of an account")
    return text if switch is None else ""


def _refused(name: str, allowed: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is refused: it takes {allowed}.")
