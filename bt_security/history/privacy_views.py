"""The own choice of what is kept as JSON, and the deletion of the places that are stored."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from bt_security.history import privacy
from bt_security.ratelimit import enforce
from bt_security.sessions.acting import NOT_WHILE_IMPERSONATING, not_while_impersonating
from bt_security.web import endpoint, resource

OPERATION = "privacy"

SETTINGS_SCHEMA = {
    "type": "object",
    "required": ["geolocation_enabled"],
    "properties": {"geolocation_enabled": {"type": "boolean"}},
    "additionalProperties": False,
}
ERASED_SCHEMA = {
    "type": "object",
    "required": ["erased"],
    "properties": {"erased": {"type": "integer", "minimum": 0}},
    "additionalProperties": False,
}


class YesOrNoField(forms.BooleanField):
    """A choice that has to be said: `null` is no no."""

    widget = forms.NullBooleanSelect

    def to_python(self, value: object) -> bool:
        """Return the choice.

        Raises:
            ValidationError: it is neither yes nor no.
        """
        chosen = forms.NullBooleanField().to_python(value)
        if chosen is None:
            raise ValidationError(self.error_messages["required"], code="required")
        return chosen

    def validate(self, value: object) -> None:
        """Take a no as well as a yes."""


class SettingsForm(forms.Form):
    """What a user may choose."""

    geolocation_enabled = YesOrNoField()


@endpoint(
    "GET",
    summary="Show what the own account allows to be kept of log-ins.",
    answers={200: SETTINGS_SCHEMA},
)
def show_settings(request: HttpRequest) -> dict[str, Any]:
    """Return the choices."""
    return {"geolocation_enabled": privacy.may_locate(_user(request))}


@endpoint(
    "PATCH",
    summary="Change what the own account allows to be kept of log-ins.",
    form=SettingsForm,
    answers={200: SETTINGS_SCHEMA},
    errors=("RATE_LIMITED", NOT_WHILE_IMPERSONATING),
)
@not_while_impersonating
def change_settings(request: HttpRequest, form: SettingsForm) -> dict[str, Any]:
    """Store what was sent, and return all choices as they are now.

    Raises:
        ApiError: too many of these requests.
    """
    enforce(OPERATION, request)
    if "geolocation_enabled" in form.cleaned_data:
        enabled = form.cleaned_data["geolocation_enabled"]
        privacy.set_geolocation(_user(request), enabled=enabled)
    return {"geolocation_enabled": privacy.may_locate(_user(request))}


@endpoint(
    "DELETE",
    summary="Delete the places that are stored with the own log-ins.",
    answers={200: ERASED_SCHEMA},
    errors=("RATE_LIMITED", NOT_WHILE_IMPERSONATING),
)
@not_while_impersonating
def erase_locations(request: HttpRequest) -> dict[str, int]:
    """Delete them and say how many log-ins had one.

    Raises:
        ApiError: too many of these requests.
    """
    enforce(OPERATION, request)
    return {"erased": privacy.erase_locations(_user(request))}


profile_settings = resource(get=show_settings, patch=change_settings)


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)
