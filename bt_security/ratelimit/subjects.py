"""Whom a hit is counted for: address, user, account name or known device, as keyed digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils.module_loading import import_string

from bt_security.conf import conf
from bt_security.conf.ratelimit import Rule
from bt_security.conf.secret_key import derived_keys
from bt_security.net import bucket, client_ip
from bt_security.ratelimit.counter import Window
from bt_security.ratelimit.folding import folded

KEY_LABEL = b"bt-security/ratelimit/v1"
DIGEST_BYTES = 16

_bucket = lru_cache(maxsize=1024)(bucket)


class Subjects(NamedTuple):
    """Whom a hit counts for; a text is "" where there is none. `account` is folded."""

    address: str
    user: str
    account: str
    device: str

    def of(self, rule: Rule) -> str:
        """Return what a rule counts by, prefixed by its kind.

        Without a user or an account the address stands in, so that nobody shares one budget with
        all others of whom nothing is known.
        """
        if rule.scope == "user" and self.user:
            return f"user:{self.user}"
        if rule.scope in {"account", "device"} and self.account:
            return f"account:{self.account}:{self.device}"
        return f"ip:{self.address}"


def subjects_of(
    request: HttpRequest, rules: Iterable[Rule], *, account: str, user: AbstractBaseUser | None
) -> Subjects:
    """Return whom a hit counts for; asks for user and known device only where a rule needs them.

    Raises:
        ImproperlyConfigured: `BT_SECURITY_NET_TRUST_PROXY` is malformed.
    """
    scopes = {rule.scope for rule in rules}
    who = user
    if who is None and ("user" in scopes or ("account" in scopes and not account)):
        who = _logged_in(request)
    name, device = "", ""
    if "account" in scopes:
        name = account or (who.get_username() if who is not None else "")
        device = known_device(request, name) if name else ""
    return Subjects(
        address=_bucket(client_ip(request)),
        user=str(who.pk) if who is not None else "",
        account=folded(name),
        device=device,
    )


def known_device(request: HttpRequest, account: str) -> str:
    """Return the id of the device that an account knows this browser by, "" if it does not."""
    find: Callable[[HttpRequest, str], str] = import_string(conf.ratelimit.known_device)
    return find(request, account)


def rules_for(rules: Iterable[Rule], subjects: Subjects) -> list[Rule]:
    """Return the rules that count this hit.

    A known device has budgets of its own in the place of the account's: those by `device`, or the
    account's figures where there are none. So no stranger can use them up.
    """
    listed = list(rules)
    has_own = any(rule.scope == "device" for rule in listed)
    left_out = "account" if subjects.device and has_own else "device"
    return [rule for rule in listed if rule.scope != left_out]


def windows_of(operation: str, rules: Iterable[Rule], subjects: Subjects) -> list[Window]:
    """Return the budgets that the rules count in, under keyed digests.

    The key comes from `SECRET_KEY`: a new one starts all budgets afresh.
    """
    secret = derived_keys(KEY_LABEL)[0]
    return [
        Window(_digest(secret, operation, rule, subjects.of(rule)), rule.limit, rule.window_seconds)
        for rule in rules
    ]


def _logged_in(request: HttpRequest) -> AbstractBaseUser | None:
    user: Any = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def _digest(secret: bytes, operation: str, rule: Rule, subject: str) -> str:
    parts = (operation, rule.scope, str(rule.limit), str(rule.window_seconds), subject)
    data = "\0".join(parts).encode("utf-8", "surrogatepass")
    # A keyed BLAKE2b is a MAC as HMAC is one, at a quarter of the time.
    return hashlib.blake2b(data, key=secret, digest_size=DIGEST_BYTES).hexdigest()
