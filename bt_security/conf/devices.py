"""Settings of the device cookie."""

from __future__ import annotations

from django.conf import settings

from bt_security.conf._declare import Section, setting


class Devices(Section, prefix="DEVICES"):
    """How long a browser stays known, and how many of them an account has."""

    cookie_name = setting(
        "bt_device",
        help="Name of the device cookie. `__Host-` stands before it where "
        "`SESSION_COOKIE_SECURE` is on.",
    )
    cookie_age_days = setting(
        400,
        minimum=1,
        maximum=400,
        help="Time after the last log-in for which a browser stays known. Browsers keep no "
        "cookie for longer than 400 days.",
    )
    trust_days = setting(
        30, minimum=1, maximum=400, help="Time for which a device is trusted once it is marked so."
    )
    max_per_user = setting(
        50,
        minimum=1,
        maximum=1000,
        help="Devices kept for one user; a log-in from one more forgets the one unseen longest.",
    )

    def is_always_secure(self) -> bool:
        """Whether the site's cookies are Secure whatever the request is: Django's own setting."""
        return bool(settings.SESSION_COOKIE_SECURE)

    def full_cookie_name(self) -> str:
        """Return the name that the cookie has on this site; it never depends on the request."""
        return f"__Host-{self.cookie_name}" if self.is_always_secure() else self.cookie_name
