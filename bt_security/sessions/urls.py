"""Paths of the own sessions, relative to the one `include` of the package."""

from __future__ import annotations

from bt_security.sessions.views import end_other_sessions, end_session, list_sessions, log_out
from bt_security.web import api_path

urlpatterns = [
    api_path("api/sessions", list_sessions, name="sessions"),
    api_path("api/sessions/revoke-others", end_other_sessions, name="sessions-revoke-others"),
    api_path("api/sessions/<uuid:uuid>", end_session, name="session"),
    api_path("api/auth/logout", log_out, name="logout"),
]
