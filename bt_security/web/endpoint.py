"""One method of one URL: what it takes, what it answers, and who may ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from asgiref.sync import iscoroutinefunction
from django import forms
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from bt_security.web.answers import json_answer
from bt_security.web.codes import error_code
from bt_security.web.field_schema import Schema
from bt_security.web.form_data import FormOptions

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Login = Literal["session", "none", "any"]
"""Who may ask: someone logged in by cookie, everybody, or by cookie or API token."""

View = Callable[..., object]
"""`view(request, **captured)`, with the form second where there is one; sync or async.

Returns what becomes JSON, `(status, content)`, or a response.
"""

NO_CONTENT = 204
OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A view with what the API's document says of it; `view` is the function itself."""

    view: View
    method: Method
    summary: str
    answers: Mapping[int, Schema | None]
    form: type[forms.BaseForm] | None = None
    form_options: FormOptions | None = None
    errors: tuple[str, ...] = ()
    login: Login = "session"
    scope: str = ""
    is_async: bool = field(init=False)

    def __post_init__(self) -> None:
        for code in self.errors:
            error_code(code)
        object.__setattr__(self, "is_async", iscoroutinefunction(self.view))

    @property
    def success_status(self) -> int:
        """Status of an answer for which the view names none: the first that is documented."""
        return int(min(self.answers))

    def response(self, result: object) -> HttpResponseBase:
        """Return what the view returned as a response.

        Raises:
            TypeError: the view returned something that is no JSON.
        """
        if isinstance(result, HttpResponseBase):
            return result
        status, content = result if isinstance(result, tuple) else (self.success_status, result)
        if content is not None and not isinstance(result, tuple) and status == NO_CONTENT:
            status = OK  # the endpoint has not said what it answers
        if content is None and not self.answers.get(status):
            return HttpResponse(status=int(status))
        return json_answer(content, int(status))


def endpoint(
    method: Method,
    *,
    summary: str,
    answers: Mapping[int, Schema | None] | None = None,
    form: type[forms.BaseForm] | None = None,
    form_options: FormOptions | None = None,
    errors: tuple[str, ...] = (),
    login: Login = "session",
    scope: str = "",
) -> Callable[[View], Endpoint]:
    """Make a view an endpoint of the JSON API; join it to a URL by `resource` and `api_path`.

    `answers` maps a status to the JSON Schema of its body, None for no body; by default 204.
    `errors` are codes the view itself answers with; those of log-in, CSRF, body and method come
    by themselves. `form` validates the body, JSON or form-encoded, and is the view's second
    argument; `form_options(request)` gives the form's own further ones. `scope` is what an API
    token needs.

    Raises:
        ImproperlyConfigured: a code in `errors` is not defined.
    """

    def decorate(view: View) -> Endpoint:
        return Endpoint(
            view=view,
            method=method,
            summary=summary,
            answers=answers or {NO_CONTENT: None},
            form=form,
            form_options=form_options,
            errors=errors,
            login=login,
            scope=scope,
        )

    return decorate
