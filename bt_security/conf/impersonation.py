"""Settings of impersonation: a support operator acts as another account for a while."""

from __future__ import annotations

from bt_security.conf._declare import Section, setting

HOUR_SECONDS = 3_600


class Impersonation(Section, prefix="IMPERSONATION"):
    """Whether staff with the permission may act as other accounts, and for how long."""

    enabled = setting(
        False,
        help="Staff with the permission `bt_security.impersonate_user` may act as accounts that "
        "are not staff. Needs one of our session engines.",
    )
    lifetime_seconds = setting(
        2 * HOUR_SECONDS,
        minimum=300,
        maximum=8 * HOUR_SECONDS,
        help="Time after which acting as another account ends, however much it is used.",
    )
