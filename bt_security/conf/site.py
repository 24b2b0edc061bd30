"""Settings of the site as a whole: its address, and whom it is for."""

from __future__ import annotations

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
