"""A body becomes a bound form: types are judged first, then Django's form decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from django import forms
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from bt_security.exceptions import ApiError
from bt_security.web import codes
from bt_security.web.body import is_form, read_form, read_json
from bt_security.web.field_schema import field_schema, is_of_type

FormOptions = Callable[[HttpRequest], Mapping[str, object]]
"""Gives the keyword arguments of a form from the request, such as its `user`."""

CSRF_FIELD = "csrfmiddlewaretoken"
_OF_SEVERAL = (forms.MultipleChoiceField, forms.ModelMultipleChoiceField)
_SHOWN_UNKNOWN_NAMES = 20


@sensitive_variables()
def valid_form(
    kind: type[forms.BaseForm], request: HttpRequest, options: FormOptions | None
) -> forms.BaseForm:
    """Return the form that the body fills, valid.

    In a PATCH the form has the fields that were sent and no others, so that `cleaned_data` holds
    nothing that the client did not say. `null` empties a field.

    Raises:
        ApiError: 400, 413 or 415.
    """
    keywords = dict(options(request)) if options else {}
    if is_form(request):
        return _judged(_bound(kind, keywords, read_form(request)))
    body = read_json(request)
    form = _bound(kind, keywords, MultiValueDict())
    if request.method == "PATCH":
        for name in set(form.fields) - set(body):
            del form.fields[name]
    _refuse_unknown(form, body)
    _refuse_wrong_types(form, body)
    form.data = _as_data(form, body)
    return _judged(form)


def errors_of(form: forms.BaseForm) -> dict[str, list[str]]:
    """Return the messages of a form by field; `__all__` has those about the whole."""
    return {name: [str(text) for text in texts] for name, texts in form.errors.items()}


def validation_failed(fields: Mapping[str, list[str]]) -> ApiError:
    """Return the refusal of fields."""
    message = _("Some of the fields are not right.")
    return ApiError(400, codes.VALIDATION_FAILED, message, fields=fields)


@sensitive_variables()
def _bound(
    kind: type[forms.BaseForm], keywords: dict[str, object], data: MultiValueDict[str, str]
) -> forms.BaseForm:
    form = kind(data=data, **keywords)  # type: ignore[arg-type]
    _refuse_unknown(form, (name for name in data if name != CSRF_FIELD))
    return form


def _judged(form: forms.BaseForm) -> forms.BaseForm:
    if not form.is_valid():
        raise validation_failed(errors_of(form))
    return form


def _refuse_unknown(form: forms.BaseForm, names: Iterable[str]) -> None:
    unknown = sorted(set(names) - set(form.fields))[:_SHOWN_UNKNOWN_NAMES]
    if unknown:
        raise validation_failed({name: [_("There is no such field.")] for name in unknown})


@sensitive_variables()
def _refuse_wrong_types(form: forms.BaseForm, body: Mapping[str, object]) -> None:
    wrong = {
        name: [_("This is not the right type of value.")]
        for name, value in body.items()
        if value is not None and not is_of_type(value, field_schema(form.fields[name]))
    }
    if wrong:
        raise validation_failed(wrong)


@sensitive_variables()
def _as_data(form: forms.BaseForm, body: Mapping[str, object]) -> MultiValueDict[str, object]:
    """Return the object as a browser would have sent it; `null` is an empty field."""
    data: MultiValueDict[str, object] = MultiValueDict()
    for name, value in body.items():
        if value is None and isinstance(form.fields[name], _OF_SEVERAL):
            data.setlist(name, [])
        elif value is None:
            data[name] = ""
        elif isinstance(form.fields[name], forms.JSONField):
            data[name] = json.dumps(value)
        elif isinstance(value, list):
            data.setlist(name, [str(item) for item in value])
        else:
            data[name] = value if isinstance(value, bool) else str(value)
    return data
