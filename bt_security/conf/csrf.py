"""Settings of the protection of changing requests; the rest is Django's `CSRF_*`."""

from __future__ import annotations

from bt_security.conf._declare import Section


class Csrf(Section, prefix="CSRF"):
    """What the CSRF answer looks like."""
