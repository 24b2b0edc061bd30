"""Settings made from a few words: `strict` for a new site, `adopt` for one that is in use.

A settings file may import this: it touches neither `django.conf` nor models nor middleware.
"""

from __future__ import annotations

from bt_security.presets.adopt import adopt
from bt_security.presets.csp_policy import content_security_policy
from bt_security.presets.environment import VARIABLES
from bt_security.presets.strict import strict

__all__ = ["VARIABLES", "adopt", "content_security_policy", "strict"]
