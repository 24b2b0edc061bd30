"""Paths of the own account, relative to the one `include` of the package."""

from __future__ import annotations

from django.urls import path

from bt_security.accounts.api_tokens import list_tokens, make_token, revoke_token, rotate_token
from bt_security.accounts.impersonation_views import (
    start_impersonation,
    stop_impersonation,
    stop_page,
)
from bt_security.web import api_path, resource

urlpatterns = [
    api_path("api/tokens", resource(get=list_tokens, post=make_token), name="api-tokens"),
    api_path("api/tokens/<uuid:uuid>", revoke_token, name="api-token"),
    api_path("api/tokens/<uuid:uuid>/rotate", rotate_token, name="api-token-rotation"),
    api_path(
        "api/impersonation",
        resource(post=start_impersonation, delete=stop_impersonation),
        name="impersonation",
    ),
    path("impersonation/stop/", stop_page, name="impersonation-stop"),
]
