"""Where the CSRF token is fetched."""

from __future__ import annotations

from bt_security import web
from bt_security.csrf.views import csrf_token

urlpatterns = [web.api_path("api/auth/csrf-token", csrf_token, name="csrf-token")]
