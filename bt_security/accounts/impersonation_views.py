"""Acting as another account: by the JSON API, and the button that ends it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from bt_security import audit
from bt_security.accounts import impersonation
from bt_security.conf import conf
from bt_security.exceptions import ImpersonationRefused
from bt_security.ratelimit import enforce
from bt_security.sessions.acting import operator_of
from bt_security.web import ApiError, endpoint, no_store, safe_next
from bt_security.web.answers import json_answer
from bt_security.web.codes import CONFLICT, FORBIDDEN

OPERATION = "admin_action"
PK_CHARS = 64

STARTED = {
    "type": "object",
    "required": ["user", "seconds"],
    "properties": {"user": {"type": "string"}, "seconds": {"type": "integer", "minimum": 0}},
    "additionalProperties": False,
}
ENDED = {
    "type": "object",
    "required": ["is_logged_in"],
    "properties": {"is_logged_in": {"type": "boolean"}},
    "additionalProperties": False,
}


class ImpersonationForm(forms.Form):
    """Whom to act as, by primary key, and why."""

    user = forms.CharField(max_length=PK_CHARS)
    reason = forms.CharField(max_length=impersonation.REASON_CHARS)


@endpoint(
    "POST",
    summary="Act as another account",
    form=ImpersonationForm,
    answers={200: STARTED},
    errors=("FORBIDDEN", "NOT_FOUND", "RATE_LIMITED"),
)
def start_impersonation(request: HttpRequest, form: ImpersonationForm) -> HttpResponse:
    """Begin; the answer carries the cookies.

    Raises:
        Http404: the feature is off.
        ApiError: it is refused, whyever, or asked too often.
    """
    if not conf.impersonation.enabled:
        raise Http404
    enforce(OPERATION, request)
    wanted = form.cleaned_data
    response = json_answer({})
    try:
        user = _account(wanted["user"])
        impersonation.start(request, response, user, reason=wanted["reason"])
    except ImpersonationRefused:
        message = _("You may not act as this account.")
        raise ApiError(HTTPStatus.FORBIDDEN, FORBIDDEN, message) from None
    seconds = request.session.get_expiry_age()
    response.content = json_answer({"user": wanted["user"], "seconds": seconds}).content
    return response


@endpoint(
    "DELETE",
    summary="Stop acting as another account",
    answers={200: ENDED},
    errors=("CONFLICT",),
)
def stop_impersonation(request: HttpRequest) -> HttpResponse:
    """End it; `is_logged_in` tells whether the operator's own session was taken up again.

    Raises:
        ApiError: nobody acts as another account here.
    """
    if operator_of(request) is None:
        message = _("You act as yourself.")
        raise ApiError(HTTPStatus.CONFLICT, CONFLICT, message)
    response = json_answer({})
    is_logged_in = impersonation.stop(request, response)
    response.content = json_answer({"is_logged_in": is_logged_in}).content
    return response


@login_not_required
@csrf_protect
@require_POST
def stop_page(request: HttpRequest) -> HttpResponse:
    """End it by the button of the banner, and go to `next`, or to the log-in."""
    response = HttpResponseRedirect(safe_next(request, resolve_url(settings.LOGIN_REDIRECT_URL)))
    if operator_of(request) is not None and not impersonation.stop(request, response):
        response.headers["Location"] = resolve_url(settings.LOGIN_URL)
    no_store(response)
    return response


def _account(pk_text: str) -> Any:
    """Return the account; a missing one is refused like every other.

    Raises:
        ImpersonationRefused: there is none.
    """
    try:
        user: AbstractBaseUser = get_user_model()._default_manager.get(pk=pk_text)
    except (ObjectDoesNotExist, ValueError, ValidationError):
        audit.record_refusal("impersonation.refused", reason="unknown")
        raise ImpersonationRefused("unknown") from None
    return user
