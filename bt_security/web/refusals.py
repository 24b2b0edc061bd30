"""Errors become answers: known ones with their code, all others without a word of the cause."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.handlers.exception import convert_exception_to_response
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from bt_security.exceptions import ApiError, StoreUnavailable
from bt_security.web import codes
from bt_security.web.answers import json_error
from bt_security.web.form_data import validation_failed
from bt_security.web.unavailable import RETRY_AFTER_SECONDS, unavailable_message

KNOWN = (ApiError, Http404, PermissionDenied, StoreUnavailable, ValidationError)
"""Errors that a view may raise to be answered by their meaning."""

_JUDGED = "_bt_security_is_api_answer"

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def answer_safely(request: HttpRequest, answer: Answer) -> HttpResponseBase:
    """Return the answer; an error becomes JSON, logged and signalled as Django does it."""

    def known(request: HttpRequest) -> HttpResponseBase:
        try:
            response = answer(request)
        except KNOWN as error:
            _undo()
            response = refusal(error)
        setattr(response, _JUDGED, True)
        return response

    response = cast(HttpResponseBase, convert_exception_to_response(known)(request))
    if not _is_judged(response):
        _undo()
        _hide_cause(response)
    return response


async def answer_safely_later(request: HttpRequest, answer: AsyncAnswer) -> HttpResponseBase:
    """Do the same for an async view."""

    async def known(request: HttpRequest) -> HttpResponseBase:
        try:
            response = await answer(request)
        except KNOWN as error:
            response = refusal(error)
        setattr(response, _JUDGED, True)
        return response

    converted = cast(AsyncAnswer, convert_exception_to_response(known))
    response = await converted(request)
    if not _is_judged(response):
        _hide_cause(response)
    return response


def refusal(error: Exception) -> HttpResponse:
    """Return the answer to one of the known errors. Of Django's own, no text is shown."""
    if isinstance(error, ApiError):
        fields, headers = error.fields, error.headers
        return json_error(error.status, error.code, error.message, fields=fields, headers=headers)
    if isinstance(error, ValidationError):
        fields = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        return refusal(validation_failed(fields))
    if isinstance(error, Http404):
        return _plain(404)
    if isinstance(error, StoreUnavailable):
        return _plain(503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
    return _plain(403)


def _plain(status: int, headers: dict[str, str] | None = None) -> HttpResponse:
    code, message = _words(status)
    return json_error(status, code, message, headers=headers)


def _words(status: int) -> tuple[str, str]:
    match status:
        case 403:
            return codes.FORBIDDEN, _("You may not do that.")
        case 404:
            return codes.NOT_FOUND, _("There is no such thing.")
        case 503:
            return codes.STORE_UNAVAILABLE, unavailable_message()
        case status if status >= codes.SERVER_FAULT:
            return codes.SERVER_ERROR, _("Something went wrong on the server.")
        case _:
            return codes.BAD_REQUEST, _("The request cannot be read.")


def _is_judged(response: HttpResponseBase) -> bool:
    return getattr(response, _JUDGED, False)


def _hide_cause(response: HttpResponseBase) -> None:
    """Put JSON in the place of Django's page, on the response that Django has logged already."""
    is_fault = response.status_code >= codes.SERVER_FAULT
    if (is_fault and settings.DEBUG) or not isinstance(response, HttpResponse):
        return  # the developer's page with the traceback
    answer = _plain(response.status_code)
    response.content = answer.content
    for name, value in answer.headers.items():
        response.headers[name] = value


def _undo() -> None:
    """Let `ATOMIC_REQUESTS` roll back as it would if the error went on its way."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)
