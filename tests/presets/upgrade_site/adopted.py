"""The same site a day later, with the preset for running sites."""

from __future__ import annotations

from bt_security import presets
from tests.presets.upgrade_site.plain import *  # noqa: F403
from tests.presets.upgrade_site.plain import INSTALLED_APPS, MIDDLEWARE

globals().update(presets.adopt(MIDDLEWARE=MIDDLEWARE, INSTALLED_APPS=INSTALLED_APPS, environ={}))
