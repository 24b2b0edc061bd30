"""Settings of the look-up of places."""

from __future__ import annotations

from bt_security.conf._declare import Section, Setting, setting


class Geo(Section, prefix="GEO"):
    """Who is asked where an address is, and within which limits."""

    provider: Setting[str | None] = setting(
        None,
        shape=str | None,
        help='Who is asked where an address is: "maxmind" (a file of this host), "ip-api" (a '
        "service on the Internet), the dotted path of your own provider, or None = nobody.",
    )
