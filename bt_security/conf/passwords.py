"""Settings of the passwords; which rules apply is Django's `AUTH_PASSWORD_VALIDATORS`."""

from __future__ import annotations

from bt_security.conf._declare import Section, setting

WEEK_HOURS = 168


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
    temporary_hours = setting(
        24,
        minimum=1,
        maximum=WEEK_HOURS,
        help="Time after which a temporary password that nobody has changed stops working.",
    )
    change_url = setting(
        "password_change",
        help="Name or path of the page where people change their password. Who has logged in "
        "with one that has to be changed is sent there from every other page.",
    )
