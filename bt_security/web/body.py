"""Bodies of requests: a JSON object, or a form; whatever is malformed is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NoReturn, Self

from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from bt_security.exceptions import ApiError
from bt_security.web import codes

JSON_TYPE = "application/json"
FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
JSON_MAX_DEPTH = 20

_UTF8 = frozenset({"", "utf-8", "utf8"})
_UNREADABLE_FORM = (
    BadRequest,
    MultiPartParserError,
    TooManyFieldsSent,
    TooManyFilesSent,
    UnreadablePostError,
)


class Malformed(ValueError):
    """The text is JSON that Python reads and nobody should."""


class WrittenNumber(float):
    """A number that keeps the digits it was written with, as `str`: amounts are decimal."""

    def __new__(cls, digits: str) -> Self:
        """Make it from its digits."""
        number = super().__new__(cls, digits)
        number._digits = digits
        return number

    _digits: str

    def __str__(self) -> str:
        return self._digits


@sensitive_variables()
def read_json(request: HttpRequest) -> dict[str, object]:
    """Return the JSON object in the body; an empty body is an empty object.

    Names that occur twice, NaN and infinite numbers, lone surrogates and more than 20 levels are
    malformed: readers disagree about what such a text means. `str` of a number with a fraction or
    an exponent gives the digits that were sent.

    Raises:
        ApiError: 400, 413, or 415 for another type than JSON in UTF-8.
    """
    body = _raw_body(request)
    if not body and not request.content_type:
        return {}
    charset = (request.content_params or {}).get("charset", "").strip('"').lower()
    if request.content_type != JSON_TYPE or charset not in _UTF8:
        raise unsupported_type()
    try:
        found = json.loads(
            body.decode("utf-8") or "{}",
            object_pairs_hook=_unique_names,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
        _judge(found)
    except (ValueError, RecursionError):
        raise invalid_json() from None  # the cause quotes the body
    if not isinstance(found, dict):
        raise invalid_json()
    return found


def read_form(request: HttpRequest) -> MultiValueDict[str, str]:
    """Return the fields of a form-encoded body; files in it are ignored.

    Raises:
        ApiError: 400 or 413.
    """
    try:
        return request.POST
    except RequestDataTooBig:
        raise too_large() from None
    except _UNREADABLE_FORM:
        message = _("The form cannot be read.")
        raise ApiError(400, codes.BAD_REQUEST, message) from None


def is_form(request: HttpRequest) -> bool:
    """Tell whether the body is form-encoded, which only a POST can be."""
    return request.method == "POST" and request.content_type in FORM_TYPES


def invalid_json() -> ApiError:
    """Return the refusal of a body that is no JSON object."""
    return ApiError(400, codes.INVALID_JSON, _("The body has to be a JSON object."))


def unsupported_type() -> ApiError:
    """Return the refusal of a body of another type."""
    message = _("The body has to be JSON in UTF-8.")
    return ApiError(415, codes.UNSUPPORTED_MEDIA_TYPE, message)


def too_large() -> ApiError:
    """Return the refusal of a body above `DATA_UPLOAD_MAX_MEMORY_SIZE`."""
    return ApiError(413, codes.BODY_TOO_LARGE, _("The body is too large."))


def _raw_body(request: HttpRequest) -> bytes:
    try:
        return request.body
    except RequestDataTooBig:
        raise too_large() from None
    except UnreadablePostError:
        raise invalid_json() from None


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a name occurs twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed("no number")


def _finite(digits: str) -> WrittenNumber:
    number = WrittenNumber(digits)
    if not math.isfinite(number):
        raise Malformed("too large a number")
    return number


def _judge(value: object) -> None:
    """Refuse what is too deep or holds half a character: neither could be stored or sent on."""
    level: list[object] = [value]
    for _depth in range(JSON_MAX_DEPTH):
        for item in level:
            _judge_text(item)
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise Malformed("too deep")


def _judge_text(item: object) -> None:
    texts = list(item) if isinstance(item, Mapping) else [item]
    for text in texts:
        if isinstance(text, str):
            text.encode("utf-8")  # UnicodeEncodeError is a ValueError


def _children(item: object) -> list[object]:
    if isinstance(item, Mapping):
        return list(item.values())
    return item if isinstance(item, list) else []
