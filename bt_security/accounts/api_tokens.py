"""The own API tokens as JSON. They are made and ended with the session's cookie only."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from bt_security.conf import conf
from bt_security.exceptions import TokenRefused, TooManyTokens
from bt_security.models import ApiToken
from bt_security.ratelimit import enforce
from bt_security.sessions.acting import NOT_WHILE_IMPERSONATING, not_while_impersonating
from bt_security.tokens import api
from bt_security.tokens.api import IssuedApiToken
from bt_security.web import ApiError, endpoint
from bt_security.web.codes import CONFLICT

OPERATION = "api_token_create"

MOMENT = {"type": "string", "format": "date-time"}
TOKEN: dict[str, Any] = {
    "type": "object",
    "required": [
        *("id", "name", "prefix", "scopes", "created_at", "rotated_at", "expires_at"),
        "last_used_at",
    ],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "name": {"type": "string"},
        "prefix": {"type": "string"},
        "scopes": {"type": "array", "items": {"type": "string"}},
        "created_at": MOMENT,
        "rotated_at": {**MOMENT, "type": ["string", "null"]},
        "expires_at": MOMENT,
        "last_used_at": {**MOMENT, "type": ["string", "null"]},
    },
    "additionalProperties": False,
}
ISSUED = {
    **TOKEN,
    "required": [*TOKEN["required"], "token"],
    "properties": {**TOKEN["properties"], "token": {"type": "string"}},
}
"""With the secret, which is in this answer and nowhere else."""


class ApiTokenForm(forms.Form):
    """What a user says about a new token."""

    name = forms.CharField(max_length=100)
    scopes = forms.MultipleChoiceField(
        choices=lambda: [(scope, scope) for scope in conf.tokens.scopes], required=False
    )
    expires_in_days = forms.IntegerField(min_value=1, required=False)

    def clean_expires_in_days(self) -> int | None:
        """Refuse more than the site allows."""
        days: int | None = self.cleaned_data["expires_in_days"]
        if days is not None and days > conf.tokens.api_lifetime_days:
            most = conf.tokens.api_lifetime_days
            raise forms.ValidationError(_("At most %(days)d days are allowed.") % {"days": most})
        return days


@endpoint(
    "GET",
    summary="List the own API tokens",
    answers={200: {"type": "array", "items": TOKEN}},
)
def list_tokens(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the live tokens, the newest first, without their secrets."""
    return [_shown(token) for token in api.for_user(_user(request))]


@endpoint(
    "POST",
    summary="Make an API token; its secret is in this answer only",
    form=ApiTokenForm,
    answers={201: ISSUED},
    errors=("CONFLICT", "RATE_LIMITED", NOT_WHILE_IMPERSONATING),
)
@not_while_impersonating
def make_token(request: HttpRequest, form: ApiTokenForm) -> dict[str, Any]:
    """Issue a token.

    Raises:
        ApiError: the user has too many, or has made too many in a short time.
    """
    enforce(OPERATION, request)
    wanted = form.cleaned_data
    try:
        issued = api.issue(
            _user(request),
            wanted["name"],
            scopes=wanted["scopes"],
            lifetime_days=wanted["expires_in_days"],
        )
    except TooManyTokens:
        message = _("There are too many API tokens. Revoke one first.")
        raise ApiError(409, CONFLICT, message) from None
    return _shown_once(issued)


@endpoint("DELETE", summary="Revoke an API token", answers={204: None}, errors=("NOT_FOUND",))
def revoke_token(request: HttpRequest, uuid: UUID) -> None:
    """Revoke a token.

    Raises:
        Http404: the user has no such live token.
    """
    api.revoke(_own(request, uuid))


@endpoint(
    "POST",
    summary="Give an API token a new secret; the old one ends at once",
    answers={201: ISSUED},
    errors=("NOT_FOUND", "RATE_LIMITED", NOT_WHILE_IMPERSONATING),
)
@not_while_impersonating
def rotate_token(request: HttpRequest, uuid: UUID) -> dict[str, Any]:
    """Rotate a token.

    Raises:
        Http404: the user has no such live token.
        ApiError: too many of these requests.
    """
    enforce(OPERATION, request)
    try:
        return _shown_once(api.rotate(_own(request, uuid)))
    except TokenRefused:
        raise Http404 from None


def _own(request: HttpRequest, uuid: UUID) -> ApiToken:
    token = api.find(_user(request), uuid)
    if token is None:
        raise Http404
    return token


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)


def _shown_once(issued: IssuedApiToken) -> dict[str, Any]:
    return {**_shown(issued.token), "token": issued.secret}


def _shown(token: ApiToken) -> dict[str, Any]:
    rotated, used = token.rotated_at, token.last_used_at
    return {
        "id": str(token.uuid),
        "name": token.name,
        "prefix": token.prefix,
        "scopes": token.scope_list,
        "created_at": token.created_at.isoformat(),
        "rotated_at": None if rotated is None else rotated.isoformat(),
        "expires_at": token.expires_at.isoformat(),
        "last_used_at": None if used is None else used.isoformat(),
    }
