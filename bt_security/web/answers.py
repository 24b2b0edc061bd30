"""Answers of the JSON API; nobody may store one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.http import JsonResponse
from django.http.response import HttpResponseBase

NO_STORE = "no-store"


def no_store(response: HttpResponseBase) -> None:
    """Forbid browsers and proxies to keep this response."""
    response.headers["Cache-Control"] = NO_STORE


def json_answer(content: object, status: int = 200) -> JsonResponse:
    """Return JSON that nobody may store; `content` is an object or a list."""
    response = JsonResponse(content, status=status, safe=False)
    no_store(response)
    return response


def json_error(
    status: int,
    code: str,
    message: str,
    *,
    fields: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """Return an error as `{"code", "message"}`, with `fields` where it is about them.

    `code` is stable upper snake case for programs, `message` a translated sentence for people.
    """
    body: dict[str, object] = {"code": code, "message": message}
    if fields is not None:
        body["fields"] = {name: list(messages) for name, messages in fields.items()}
    response = json_answer(body, int(status))
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response
