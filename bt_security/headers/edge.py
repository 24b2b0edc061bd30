"""The part of `EdgeMiddleware` that this feature is; no queries, no network."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_cache_control

from bt_security.headers.nonce import offer_nonce, taken_nonce
from bt_security.headers.plan import Plan, current_plan

_DEBUG_PAGES = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR})
_FRAMES = "x-frame-options"
_NOT_SHARED = ("no-store", "private")


def on_request(request: HttpRequest) -> None:
    """Offer the request a nonce; it is made when a template or view reads it."""
    offer_nonce(request)


def on_response(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set every header of the feature that the view has not set itself.

    A response that used the nonce is also marked `Cache-Control: private`.

    Raises:
        ImproperlyConfigured: a setting of ours is malformed.
    """
    plan = current_plan()
    headers = response.headers
    there = {name.lower() for name in headers}  # asking for each by name costs an exception
    for key, name, value in plan.fixed:
        if key not in there:
            headers[name] = value
    if _FRAMES not in there and not getattr(response, "xframe_options_exempt", False):
        headers["X-Frame-Options"] = plan.frame_options
    nonce = taken_nonce(request)
    if nonce:
        _keep_out_of_shared_caches(response)
    if not (_is_debug_page(plan, response) or _keeps_stored_policy(response)):
        path, is_secure = request.path_info, request.is_secure()
        for policy in plan.policies:
            if policy.key not in there:
                policy.apply(response, path=path, nonce=nonce, is_secure=is_secure)


def _is_debug_page(plan: Plan, response: HttpResponseBase) -> bool:
    """Django's own error pages of a site in development have inline scripts without a nonce."""
    return plan.is_debug and response.status_code in _DEBUG_PAGES


def _keeps_stored_policy(response: HttpResponseBase) -> bool:
    """A browser puts the headers of a 304 on the page it has stored, whose nonce is older."""
    return response.status_code == HTTPStatus.NOT_MODIFIED


def _keep_out_of_shared_caches(response: HttpResponseBase) -> None:
    asked = response.headers.get("Cache-Control")
    if asked is None:
        response.headers["Cache-Control"] = "private"
    elif not any(word in asked for word in _NOT_SHARED):
        patch_cache_control(response, private=True)
