"""Settings of the sessions; the absolute limit is Django's `SESSION_COOKIE_AGE`."""

from __future__ import annotations

from bt_security.conf._declare import Section, setting

HOUR_SECONDS = 3_600


class Sessions(Section, prefix="SESSIONS"):
    """When a session ends by itself, and what happens while its store does not answer."""

    idle_seconds = setting(
        12 * HOUR_SECONDS,
        minimum=0,
        maximum=90 * 24 * HOUR_SECONDS,
        help="A session ends after this time without a request. 0 = only the absolute limit, "
        "`SESSION_COOKIE_AGE` after the log-in, ends it.",
    )
    last_seen_interval_seconds = setting(
        60,
        minimum=1,
        maximum=HOUR_SECONDS,
        help="How often the time of a session's last request is written.",
    )
    when_unavailable = setting(
        "503",
        choices=["503", "anonymous"],
        help="What a visitor gets while the store of the sessions does not answer: 503, or the "
        "page for people who are not logged in. The cookie is kept in both cases.",
    )
