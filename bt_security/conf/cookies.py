"""Settings of the two cookies, session and CSRF; all else about them is Django's."""

from __future__ import annotations

from typing import Literal, get_args

from bt_security.conf._declare import Section, Setting, setting

Role = Literal["session", "csrf"]
"""What a cookie of the site is for."""

ROLES: tuple[Role, ...] = get_args(Role)


class Cookies(Section, prefix="COOKIES"):
    """How the cookies leave the site and under which old names they are still read."""

    secure_by_request: Setting[list[str]] = setting(
        [*ROLES],
        shape=list[str],
        choices=ROLES,
        help="Cookies that get `Secure` on a request that came by https, also where "
        "`SESSION_COOKIE_SECURE` or `CSRF_COOKIE_SECURE` is off.",
    )
    old_names = setting(
        {},
        shape=dict[str, list[str]],
        help="Names that a cookie had before, for example "
        '`{"session": ["sessionid"], "csrf": ["csrftoken"]}`. Such a cookie is read while there '
        "is none of the new name, and sent again under that.",
    )
