"""Paths of the login history and of privacy, relative to the one `include` of the package."""

from __future__ import annotations

from django.urls import path

from bt_security.history.not_me import NotMeView, not_me_done
from bt_security.history.pages import end_session, history_page, summary_page
from bt_security.history.privacy_page import privacy_page
from bt_security.history.privacy_views import erase_locations, profile_settings
from bt_security.history.views import export_events, list_events
from bt_security.web import api_path

urlpatterns = [
    api_path("api/profile/login-history", list_events, name="login-history"),
    api_path("api/profile/login-history/export", export_events, name="login-history-export"),
    path("account/login-history/", history_page, name="account-login-history"),
    path("account/login-history/summary/", summary_page, name="account-login-summary"),
    path(
        "account/login-history/end-session/<uuid:uuid>/",
        end_session,
        name="account-end-session",
    ),
    api_path("api/profile/settings", profile_settings, name="profile-settings"),
    api_path("api/profile/login-history/locations", erase_locations, name="login-locations"),
    path("account/privacy/", privacy_page, name="account-privacy"),
    path("account/not-me/", NotMeView.as_view(), name="account-not-me"),
    path("account/not-me/done/", not_me_done, name="account-not-me-done"),
]
