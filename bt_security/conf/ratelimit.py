"""Settings of the rate limits."""

from __future__ import annotations

from django.conf import settings

from bt_security.conf._declare import Section, setting
from bt_security.conf._rate_rules import (
    MAX_LIMIT,
    OFF,
    OPERATIONS,
    SCOPES,
    Operation,
    Rule,
    Scope,
    override_fault,
    parse_rules,
    rules_of,
)

__all__ = [
    "MAX_LIMIT",
    "OFF",
    "OPERATIONS",
    "SCOPES",
    "Operation",
    "RateLimit",
    "Rule",
    "Scope",
    "override_fault",
    "parse_rules",
]


class RateLimit(Section, prefix="RATELIMIT"):
    """The table of operations and where their counters live."""

    operations = setting(
        {},
        shape=dict[str, str],
        help="Operations whose rules differ from the table in `docs/rate-limits.md`, and the "
        'site\'s own ones: `{"login": "5/15m:ip, 10/1h:account", "sms": "3/1d:user"}`; `"off"` '
        "takes a limit away.",
    )
    cache = setting(
        "default",
        help="Alias in `CACHES` of the cache that counts: Redis where several processes serve.",
    )
    fail_open = setting(
        ["csp_report"],
        shape=list[str],
        help="Operations that are not limited while the cache is down. All others are then "
        "limited by each process for itself.",
    )
    known_device = setting(
        "bt_security.devices.is_known",
        help="Dotted path of a callable `(request, account)` that returns the id of the device "
        "that the account knows the browser by, or an empty text.",
    )

    def rules_of(self, operation: str) -> tuple[Rule, ...]:
        """Return the rules in force for an operation, () if it is off.

        Raises:
            ImproperlyConfigured: no operation has this name, or its rules are malformed.
        """
        return rules_of(operation, self.operations)

    def operation_names(self) -> list[str]:
        """Return the names of all operations, the site's own ones last."""
        return list({**OPERATIONS, **self.operations})

    def is_counted_by_django_ratelimit(self, alias: str) -> bool:
        """Whether django-ratelimit counts in this cache: its `RATELIMIT_USE_CACHE` names it."""
        return getattr(settings, "RATELIMIT_USE_CACHE", "default") == alias

    def is_django_ratelimit_on(self) -> bool:
        """Whether django-ratelimit counts at all: its `RATELIMIT_ENABLE`."""
        return bool(getattr(settings, "RATELIMIT_ENABLE", True))
