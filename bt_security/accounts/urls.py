"""Paths of the own account, relative to the one `include` of the package."""

from __future__ import annotations

from bt_security.accounts.api_tokens import list_tokens, make_token, revoke_token, rotate_token
from bt_security.web import api_path, resource

urlpatterns = [
    api_path("api/tokens", resource(get=list_tokens, post=make_token), name="api-tokens"),
    api_path("api/tokens/<uuid:uuid>", revoke_token, name="api-token"),
    api_path("api/tokens/<uuid:uuid>/rotate", rotate_token, name="api-token-rotation"),
]
