"""Settings of the site as a whole: its address, and whom it is for."""

from __future__ import annotations

from typing import Any

from bt_security.conf._declare import Section, setting


class Site(Section, prefix="SITE"):
    """Where people find the site, and whether it has one user only."""

    base_url = setting(
        "",
        help="Address under which people open the site, for example `https://bills.example.com`; "
        "empty when unknown.",
    )
    single_user = setting(
        "",
        help="Log-in name of the regular account that every visitor without a session is. Empty "
        "= visitors are anonymous. Never an administrator.",
    )


def single_user_fault(user: Any) -> str:
    """Return why single-user mode refuses an account, "" if it does not. No I/O."""
    if getattr(user, "is_staff", False) or getattr(user, "is_superuser", False):
        return "is an administrator"
    return "" if user.is_active else "is not active"
