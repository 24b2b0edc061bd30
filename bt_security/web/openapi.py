"""The OpenAPI document, made of what the endpoints say of themselves.

Source: OpenAPI Specification 3.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.urls import URLPattern

from bt_security import __version__
from bt_security.web import codes
from bt_security.web.asking import DOCUMENT_ROUTE, JSON, api_prefix
from bt_security.web.body import FORM_TYPES
from bt_security.web.codes import error_code
from bt_security.web.endpoint import Endpoint, Method, endpoint
from bt_security.web.field_schema import Schema, form_schema
from bt_security.web.resource import ROUTE_START, Resource, api_path

OPENAPI = "3.1.1"
SESSION, CSRF, BEARER = "session", "csrf", "bearer"

ERROR: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$"},
        "message": {"type": "string"},
        "fields": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["code", "message"],
    "additionalProperties": False,
}
"""What every error looks like."""

_PART = re.compile(r"<(?:(?P<converter>[^:>]+):)?(?P<name>[^>]+)>")
_CONVERTERS: dict[str, Schema] = {
    "int": {"type": "integer", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
    "slug": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
}


def document_path(patterns: Iterable[URLPattern]) -> URLPattern:
    """Return the pattern of `api/openapi.json`, which describes the others and itself."""

    @endpoint(
        "GET", summary="This document", login="none", answers={HTTPStatus.OK: {"type": "object"}}
    )
    def openapi(request: HttpRequest) -> Schema:
        return document([*patterns, own])

    own = api_path(DOCUMENT_ROUTE, openapi, name="openapi")
    return own


def document(patterns: Iterable[URLPattern]) -> Schema:
    """Return the OpenAPI document of the resources among URL patterns."""
    paths = {
        template(pattern): {
            method.lower(): _operation(pattern, found) for method, found in resource_.items()
        }
        for pattern, resource_ in described(patterns)
    }
    return {
        "openapi": OPENAPI,
        "info": {"title": "Security of this site", "version": __version__},
        "servers": [{"url": api_prefix().removesuffix(ROUTE_START).removesuffix("/") or "/"}],
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR},
            "securitySchemes": {
                SESSION: {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": settings.SESSION_COOKIE_NAME,
                },
                CSRF: {"type": "apiKey", "in": "header", "name": _csrf_header()},
                BEARER: {"type": "http", "scheme": "bearer"},
            },
        },
    }


def described(
    patterns: Iterable[URLPattern],
) -> Iterator[tuple[URLPattern, Mapping[str, Endpoint]]]:
    """Give the patterns that lead to resources, with their endpoints by method."""
    for pattern in patterns:
        if isinstance(pattern.callback, Resource):
            yield pattern, pattern.callback.endpoints


def template(pattern: URLPattern) -> str:
    """Return the path of a route as OpenAPI writes it: `/api/sessions/{id}`."""
    return "/" + _PART.sub(lambda found: "{" + found["name"] + "}", str(pattern.pattern))


def operation_id(pattern: URLPattern, method: str) -> str:
    """Return the stable name of an operation, of its method and its route's name."""
    return f"{method.lower()}_{pattern.name}".replace("-", "_")


def _operation(pattern: URLPattern, found: Endpoint) -> Schema:
    parameters = _parameters(pattern)
    operation: Schema = {
        "operationId": operation_id(pattern, found.method),
        "summary": str(found.summary),
        "security": _security(found),
        "responses": {**_answers(found), **_errors(found)},
    }
    if parameters:
        operation["parameters"] = parameters
    if found.form is not None:
        operation["requestBody"] = _body(found.method, found.form)
    if found.scope:
        operation["description"] = f"An API token needs the scope `{found.scope}`."
    return operation


def _parameters(pattern: URLPattern) -> list[Schema]:
    return [
        {
            "name": part["name"],
            "in": "path",
            "required": True,
            "schema": _CONVERTERS.get(part["converter"] or "str", {"type": "string"}),
        }
        for part in _PART.finditer(str(pattern.pattern))
    ]


def _body(method: Method, form: type[forms.BaseForm]) -> Schema:
    fields: Mapping[str, forms.Field] = form.base_fields  # type: ignore[attr-defined]
    schema = form_schema(fields, is_partial=method == "PATCH")
    kinds = [JSON, *(sorted(FORM_TYPES) if method == "POST" else [])]
    return {
        "required": "required" in schema,
        "content": {kind: {"schema": schema} for kind in kinds},
    }


def _security(found: Endpoint) -> list[dict[str, list[str]]]:
    """Return the ways to be let in; each one names all that it needs."""
    by_cookie: dict[str, list[str]] = {} if found.login == "none" else {SESSION: []}
    if found.method != "GET":
        by_cookie[CSRF] = []
    return [by_cookie, {BEARER: []}] if found.login == "any" else [by_cookie]


def _answers(found: Endpoint) -> dict[str, Schema]:
    return {
        str(int(status)): {
            "description": HTTPStatus(status).phrase,
            **({"content": {JSON: {"schema": schema}}} if schema else {}),
        }
        for status, schema in found.answers.items()
    }


def _errors(found: Endpoint) -> dict[str, Schema]:
    by_status: dict[int, list[str]] = {}
    for code in sorted(errors_of(found)):
        by_status.setdefault(int(error_code(code).status), []).append(code)
    return {
        str(status): {
            "description": " ".join(f"`{code}`: {error_code(code).meaning}" for code in names),
            "content": {JSON: {"schema": _error_schema(names)}},
        }
        for status, names in sorted(by_status.items())
    }


def _error_schema(names: list[str]) -> Schema:
    return {
        "allOf": [
            {"$ref": "#/components/schemas/Error"},
            {"properties": {"code": {"enum": names}}},
        ]
    }


def errors_of(found: Endpoint) -> set[str]:
    """Return the codes that an endpoint may answer with, its own and those of every one."""
    names = {*found.errors, codes.SERVER_ERROR, codes.STORE_UNAVAILABLE, codes.BAD_REQUEST}
    if found.login != "none":
        names.add(codes.NOT_AUTHENTICATED)
    if found.scope:
        names.add(codes.INSUFFICIENT_SCOPE)
    if found.method != "GET":
        names |= {codes.CSRF_FAILED, codes.COOKIE_NOT_STORED}
    if found.form is not None:
        names |= {
            codes.INVALID_JSON,
            codes.VALIDATION_FAILED,
            codes.BODY_TOO_LARGE,
            codes.UNSUPPORTED_MEDIA_TYPE,
        }
    return names


def _csrf_header() -> str:
    return settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-").title()
