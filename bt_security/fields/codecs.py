"""How a field's Python value becomes the bytes that are sealed, and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.utils import format_number
from django.utils import timezone
from django.utils.dateparse import parse_duration
from django.utils.duration import duration_iso_string

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_A_VALUE = (ValueError, TypeError, ArithmeticError, ValidationError, RecursionError)
"""What codecs and fields raise for text that is no value of theirs, nested too deep included."""

_TRUTH = {"1": True, "0": False, "true": True, "false": False, "t": True, "f": False}


class TextCodec:
    """Text as UTF-8; also what every field without a codec of its own uses."""

    def __init__(self, field: Any) -> None:
        self.field = field

    def to_text(self, value: Any) -> str:
        """Return the text that is sealed."""
        prepared = self.field.get_prep_value(value)
        # `str` of a member of `class Colour(str, Enum)` is its name.
        return str.__str__(prepared) if isinstance(prepared, str) else str(prepared)

    def to_python(self, text: str) -> Any:
        """Return the Python value of a sealed or plain text.

        Raises:
            ValueError, ValidationError: the text is not one of this field.
        """
        return self.field.to_python(text)

    def encode(self, value: Any) -> bytes:
        """Return the bytes that are sealed."""
        return self.to_text(value).encode("utf-8")

    def decode(self, content: bytes) -> Any:
        """Return the Python value of opened bytes."""
        return self.to_python(content.decode("utf-8"))


class StringCodec(TextCodec):
    """Fields whose Python value is a `str`: nothing to convert on the way back."""

    def to_python(self, text: str) -> Any:
        """Return the text itself."""
        return text


class FloatCodec(TextCodec):
    """The shortest decimal that gives the same float back."""

    def to_text(self, value: Any) -> str:
        """Return `repr` of the float."""
        return repr(self.field.get_prep_value(value))


class DecimalCodec(TextCodec):
    """Decimals with as many places as the field says, as a plain column stores them."""

    def to_text(self, value: Any) -> str:
        """Return the decimal rounded to the field's places."""
        number = self.field.to_python(value)
        return str(format_number(number, self.field.max_digits, self.field.decimal_places))


class BooleanCodec(TextCodec):
    """`1` and `0`."""

    def to_text(self, value: Any) -> str:
        """Return `1` or `0`."""
        return "1" if self.field.to_python(value) else "0"

    def to_python(self, text: str) -> Any:
        """Return the bool, also of what databases print when a column becomes text."""
        if text.lower() not in _TRUTH:
            raise ValueError("not a boolean")
        return _TRUTH[text.lower()]


class MomentCodec(TextCodec):
    """Dates, times and aware datetimes in ISO 8601; aware ones come back in UTC."""

    def to_text(self, value: Any) -> str:
        """Return the ISO form."""
        moment: date | datetime | time = self.field.get_prep_value(value)
        if isinstance(moment, datetime) and timezone.is_aware(moment):
            moment = moment.astimezone(UTC)
        return moment.isoformat()

    def to_python(self, text: str) -> Any:
        """Return the moment; a naive one counts as UTC where the site uses time zones."""
        moment = self.field.to_python(text)
        if isinstance(moment, datetime) and settings.USE_TZ and timezone.is_naive(moment):
            return moment.replace(tzinfo=UTC)
        return moment


class DurationCodec(TextCodec):
    """Durations in ISO 8601."""

    def to_text(self, value: Any) -> str:
        """Return the ISO form."""
        return duration_iso_string(self.field.to_python(value))

    def to_python(self, text: str) -> timedelta:
        """Return the duration."""
        duration = parse_duration(text)
        if duration is None:
            raise ValueError("not a duration")
        return duration


class JSONCodec(TextCodec):
    """JSON without white space, by the field's own encoder and decoder."""

    def to_text(self, value: Any) -> str:
        """Return the JSON text."""
        return json.dumps(value, cls=self.field.encoder, separators=(",", ":"), ensure_ascii=False)

    def to_python(self, text: str) -> Any:
        """Return the JSON value."""
        return json.loads(text, cls=self.field.decoder)


class BinaryCodec(TextCodec):
    """Bytes as they are."""

    def to_text(self, value: Any) -> str:
        """Return the bytes as Latin-1 text, which the blind index works on."""
        return self.encode(value).decode("latin-1")

    def to_python(self, text: str) -> bytes:
        """Refuse: a bytes column has no plain text form."""
        raise ValueError("not bytes")

    def encode(self, value: Any) -> bytes:
        """Return the bytes; the `bytes` of a number would be as many zeros."""
        return bytes(memoryview(value))

    def decode(self, content: bytes) -> bytes:
        """Return the bytes."""
        return content


_CODECS: list[tuple[type[models.Field[Any, Any]], Callable[[Any], TextCodec]]] = [
    (models.BooleanField, BooleanCodec),
    (models.DecimalField, DecimalCodec),
    (models.FloatField, FloatCodec),
    (models.DateField, MomentCodec),
    (models.TimeField, MomentCodec),
    (models.DurationField, DurationCodec),
    (models.JSONField, JSONCodec),
    (models.BinaryField, BinaryCodec),
    (models.CharField, StringCodec),
    (models.TextField, StringCodec),
]


def codec_for(field: Any) -> TextCodec:
    """Return the codec of an encrypted field by the plain class it is built on."""
    for kind, codec in _CODECS:
        if isinstance(field, kind):
            return TextCodec(field) if codec is StringCodec and _converts(field) else codec(field)
    return TextCodec(field)


def _converts(field: Any) -> bool:
    """Whether a text field of the host has a Python value or a stored form of its own."""
    django_class = models.CharField if isinstance(field, models.CharField) else models.TextField
    classes = type(field).__mro__
    return any(
        not vars(cls).keys().isdisjoint({"to_python", "get_prep_value"})
        for cls in classes[: classes.index(django_class)]
        if "is_sealed_column" not in vars(cls)
    )
