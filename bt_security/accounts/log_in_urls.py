"""Paths of log-in, log-out and password, relative to the one `include` of the package."""

from __future__ import annotations

from django.urls import path

from bt_security.accounts.log_in_views import (
    LogInView,
    LogOutView,
    PasswordDoneView,
    PasswordView,
    log_in_by_json,
)
from bt_security.web import api_path

urlpatterns = [
    api_path("api/auth/login", log_in_by_json, name="api-login"),
    path("account/login/", LogInView.as_view(), name="login"),
    path("account/logout/", LogOutView.as_view(), name="log-out"),
    path("account/password/", PasswordView.as_view(), name="password"),
    path("account/password/done/", PasswordDoneView.as_view(), name="password-done"),
]
