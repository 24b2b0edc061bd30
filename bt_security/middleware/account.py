"""The inner middleware: what depends on who sends the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bt_security.middleware.single_user import attach_single_user


class AccountMiddleware:
    """Right after `AuthenticationMiddleware`: the account of a site that has one user only.

    Sync and async; asks the database for nothing that the view does not ask for.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, or return the coroutine that will."""
        attach_single_user(request)
        response: HttpResponseBase | Awaitable[HttpResponseBase] = self.get_response(request)
        return response
