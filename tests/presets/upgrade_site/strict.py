"""The same site with the strict preset and the names that its cookies had."""

from __future__ import annotations

from bt_security import presets
from tests.presets.upgrade_site.plain import *  # noqa: F403
from tests.presets.upgrade_site.plain import INSTALLED_APPS, MIDDLEWARE

globals().update(
    presets.strict(
        MIDDLEWARE=MIDDLEWARE,
        INSTALLED_APPS=INSTALLED_APPS,
        environ={},
        BT_SECURITY_COOKIES_OLD_NAMES={"session": ["sessionid"], "csrf": ["csrftoken"]},
    )
)
