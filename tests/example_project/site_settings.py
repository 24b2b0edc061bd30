"""The example site's own settings, with a quick password hash."""

from __future__ import annotations

from site_config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
