"""The inner middleware: what depends on who sends the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from bt_security.middleware.impersonator import attach_impersonator
from bt_security.middleware.password_change import answer_instead, answer_instead_later
from bt_security.middleware.single_user import attach_single_user


class AccountMiddleware:
    """Right after `AuthenticationMiddleware`: what an account may see of the site.

    Lets a visitor be the one user of a site in single-user mode, and sends whoever has to change
    their password to the page that does it. Sync and async; asks the database for nothing but the
    session, while the feature `passwords` is on and the browser has one.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        self.process_view: Callable[..., Any] = (
            self._answer_instead_later if self._is_async else self._answer_instead
        )

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request, or return the coroutine that will."""
        attach_single_user(request)
        attach_impersonator(request)
        response: HttpResponseBase | Awaitable[HttpResponseBase] = self.get_response(request)
        return response

    def _answer_instead(
        self, request: HttpRequest, view: Callable[..., Any], *_: Any
    ) -> HttpResponseBase | None:
        return answer_instead(request, view)

    async def _answer_instead_later(
        self, request: HttpRequest, view: Callable[..., Any], *_: Any
    ) -> HttpResponseBase | None:
        return await answer_instead_later(request, view)
