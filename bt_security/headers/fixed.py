"""Headers whose value depends on settings alone."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from bt_security.conf import conf
from bt_security.conf.headers import permissions_policy_text


def fixed_headers() -> dict[str, str]:
    """Return the headers that every response gets, without `X-Frame-Options`.

    Raises:
        ImproperlyConfigured: a setting of ours is malformed.
    """
    own = conf.headers
    headers = {
        "X-Content-Type-Options": "nosniff" if settings.SECURE_CONTENT_TYPE_NOSNIFF else "",
        "Referrer-Policy": _joined(settings.SECURE_REFERRER_POLICY),
        "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY or "",
        "Cross-Origin-Resource-Policy": own.cross_origin_resource_policy,
        "X-Permitted-Cross-Domain-Policies": own.cross_domain_policies,
        "Permissions-Policy": permissions_policy_text(own.permissions_policy),
        "X-XSS-Protection": own.xss_protection,
    }
    return {name: value for name, value in headers.items() if value}


def _joined(value: str | Iterable[str] | None) -> str:
    """Write a Referrer-Policy, which Django takes as one text or as several."""
    parts = value.split(",") if isinstance(value, str) else value or ()
    return ",".join(part.strip() for part in parts)
