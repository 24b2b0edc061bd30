"""What the settings say, worked out once and kept until a setting changes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.urls import NoReverseMatch, reverse

from bt_security.conf import conf
from bt_security.headers.csp import REPORTING_GROUP, Policy, site_policies
from bt_security.headers.fixed import fixed_headers


@dataclass(frozen=True, slots=True)
class Plan:
    """The headers of a response of this site, as far as settings decide.

    `fixed` has each header's name in lower case, its name, and its value.
    """

    fixed: tuple[tuple[str, str, str], ...]
    frame_options: str
    policies: tuple[Policy, ...]
    is_debug: bool


@cache
def current_plan() -> Plan:
    """Return the plan of the settings in force.

    Raises:
        ImproperlyConfigured: a setting of ours is malformed.
    """
    report_url = report_place() if conf.headers.collect_csp_reports else ""
    policies = site_policies(report_url)
    fixed = fixed_headers()
    if report_url and any(policy.config for policy in policies):
        fixed["Reporting-Endpoints"] = f'{REPORTING_GROUP}="{report_url}"'
    return Plan(
        fixed=tuple((name.lower(), name, value) for name, value in fixed.items()),
        frame_options=settings.X_FRAME_OPTIONS.upper(),
        policies=policies,
        is_debug=settings.DEBUG,
    )


def report_place() -> str:
    """Return the path that counts reports, "" if the site has no URL for it (E103 says so)."""
    try:
        return reverse("bt_security:csp-report", urlconf=settings.ROOT_URLCONF)
    except NoReverseMatch:
        return ""


def forget_plan(**_: Any) -> None:
    """Have the next response read the settings again."""
    current_plan.cache_clear()


setting_changed.connect(forget_plan)
