"""What every view shares: the JSON API, answers that nobody may store, and safe redirects."""

from __future__ import annotations

from bt_security.exceptions import ApiError
from bt_security.web.admission import accept_tokens
from bt_security.web.answers import json_error, no_store
from bt_security.web.asking import wants_json
from bt_security.web.codes import define_error
from bt_security.web.endpoint import Endpoint, endpoint
from bt_security.web.redirects import safe_next
from bt_security.web.resource import Resource, api_path, resource

__all__ = [
    "ApiError",
    "Endpoint",
    "Resource",
    "accept_tokens",
    "api_path",
    "define_error",
    "endpoint",
    "json_error",
    "no_store",
    "resource",
    "safe_next",
    "wants_json",
]
