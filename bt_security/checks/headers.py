"""Checks of the response headers while the feature `headers` is on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from csp.constants import NONE, SELF, STRICT_DYNAMIC, UNSAFE_INLINE
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from bt_security.checks.features import is_on
from bt_security.checks.finding import finding
from bt_security.conf import conf
from bt_security.conf.headers import Headers, permissions_policy_text

OTHER_POLICY_MIDDLEWARE = (
    "csp.middleware.CSPMiddleware",
    "csp.contrib.rate_limiting.RateLimitedCSPMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
)
DJANGO_POLICIES = ("SECURE_CSP", "SECURE_CSP_REPORT_ONLY")
POLICIES = ("CONTENT_SECURITY_POLICY", "CONTENT_SECURITY_POLICY_REPORT_ONLY")
OVERRULING = ("'sha256-", "'sha384-", "'sha512-", STRICT_DYNAMIC)
"""Beginnings of sources beside which browsers ignore `'unsafe-inline'`.

Not the nonce, which is left out on pages that take none: there inline scripts would run.
"""
SECURITY_MIDDLEWARE = "django.middleware.security.SecurityMiddleware"


def check_one_policy(**_: Any) -> list[CheckMessage]:
    """Report a second source of the content security policy (E100)."""
    if not is_on("headers"):
        return []
    found = [path for path in OTHER_POLICY_MIDDLEWARE if path in settings.MIDDLEWARE]
    found += [name for name in DJANGO_POLICIES if getattr(settings, name, None)]
    return [
        finding(
            "E100",
            f"{name} is a second source of the content security policy, besides EdgeMiddleware.",
            hint="Keep the policy in CONTENT_SECURITY_POLICY, and remove this line.",
        )
        for name in found
    ]


def check_https_middleware(**_: Any) -> list[CheckMessage]:
    """Report https settings that nothing reads (E101)."""
    wanted = [name for name in ("SECURE_HSTS_SECONDS", "SECURE_SSL_REDIRECT") if _value(name)]
    if not is_on("headers") or not wanted or SECURITY_MIDDLEWARE in settings.MIDDLEWARE:
        return []
    return [
        finding(
            "E101",
            f"{' and '.join(wanted)} needs {SECURITY_MIDDLEWARE}, which is not in MIDDLEWARE.",
            hint="Put it right after bt_security.middleware.EdgeMiddleware.",
        )
    ]


def check_permissions_policy(**_: Any) -> list[CheckMessage]:
    """Report a malformed `BT_SECURITY_HEADERS_PERMISSIONS_POLICY` (E102)."""
    if not is_on("headers") or Headers.permissions_policy.fault() is not None:
        return []  # E001 speaks of it
    try:
        permissions_policy_text(conf.headers.permissions_policy)
    except ImproperlyConfigured as error:
        return [finding("E102", str(error), hint='Write it like {"camera": ["self"], "usb": []}.')]
    return []


def check_report_place(**_: Any) -> list[CheckMessage]:
    """Report that collected reports have nowhere to go (E103)."""
    if not is_on("headers") or Headers.collect_csp_reports.fault() is not None:
        return []
    if not conf.headers.collect_csp_reports or _has_report_place():
        return []
    return [
        finding(
            "E103",
            "BT_SECURITY_HEADERS_COLLECT_CSP_REPORTS is on, and the site has no URL for reports.",
            hint='Add path("security/", include("bt_security.urls")) to the root URLconf.',
        )
    ]


def check_frames_agree(**_: Any) -> list[CheckMessage]:
    """Report a policy and a frame header that contradict each other (W100)."""
    if not is_on("headers"):
        return []
    says_nobody = settings.X_FRAME_OPTIONS.upper() == "DENY"
    return [
        finding(
            "W100",
            f"X_FRAME_OPTIONS is {settings.X_FRAME_OPTIONS}, and {name} says frame-ancestors "
            f"{' '.join(ancestors)}: browsers go by the policy.",
            hint="Let both say the same: DENY and 'none', or SAMEORIGIN and 'self'.",
        )
        for name, directives in _directives()
        if (ancestors := _sources(directives.get("frame-ancestors")))
        and (ancestors == [NONE]) is not says_nobody
    ]


def check_policy_in_force(**_: Any) -> list[CheckMessage]:
    """Report that no policy is in force, or one that lets inline scripts run (W101)."""
    if not is_on("headers"):
        return []
    policies = dict(_directives())
    hint = "Set CONTENT_SECURITY_POLICY = bt_security.headers.strict_policy()."
    if POLICIES[0] not in policies:
        only = "it is only reported" if POLICIES[1] in policies else "there is none"
        return [finding("W101", f"No content security policy is in force: {only}.", hint=hint)]
    enforced = policies[POLICIES[0]]
    scripts = _sources(enforced.get("script-src") or enforced.get("default-src", SELF))
    if scripts and (UNSAFE_INLINE not in scripts or _is_overruled(scripts)):
        return []
    text = "CONTENT_SECURITY_POLICY lets every inline script run."
    return [finding("W101", text, hint="Give scripts the nonce: request.csp_nonce.")]


HEADERS_CHECKS = (
    check_one_policy,
    check_https_middleware,
    check_permissions_policy,
    check_report_place,
    check_frames_agree,
)
HEADERS_DEPLOY_CHECKS = (check_policy_in_force,)


def _value(name: str) -> Any:
    return getattr(settings, name)


def _has_report_place() -> bool:
    try:
        reverse("bt_security:csp-report", urlconf=settings.ROOT_URLCONF)
    except NoReverseMatch:
        return False
    return True


def _directives() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in POLICIES:
        if policy := getattr(settings, name, None):
            yield name, policy.get("DIRECTIVES") or {}


def _sources(value: Any) -> list[str]:
    """Return a directive's sources, which django-csp takes as one or as several."""
    if value is None or isinstance(value, str):
        return [value] if value else []
    return [str(source) for source in value]


def _is_overruled(scripts: list[str]) -> bool:
    """Whether `'unsafe-inline'` is for old browsers alone. Source: CSP Level 3, section 6.7.3.2."""
    return any(source.lower().startswith(OVERRULING) for source in scripts)
