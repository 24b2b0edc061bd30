"""The routes that are there whatever features are on."""

from __future__ import annotations

from bt_security.web.resource import api_path
from bt_security.web.views import me

urlpatterns = [api_path("api/auth/me", me, name="me")]
