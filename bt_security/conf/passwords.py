"""Settings of the passwords; which rules apply is Django's `AUTH_PASSWORD_VALIDATORS`."""

from __future__ import annotations

from bt_security.conf._declare import Section, setting


class Passwords(Section, prefix="PASSWORDS"):
    """What a new password has to be, and how long one may be."""

    profile = setting(
        "classes",
        choices=["classes", "nist"],
        help="`classes` asks for 8 characters of four classes that do not repeat a short pattern. "
        "`nist` asks for 15 characters of any kind. Both refuse common passwords.",
    )
    max_bytes = setting(
        4_096,
        minimum=256,
        maximum=65_536,
        help="Longest password in UTF-8. A longer one is refused before it is hashed, when it is "
        "set and at log-in.",
    )
