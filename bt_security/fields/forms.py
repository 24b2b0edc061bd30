"""Forms of rows with a value that does not open: it is named, and stays as it is stored."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.forms.models import BaseModelForm
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from bt_security.exceptions import OpenRefused
from bt_security.fields.values import Unreadable


class UnreadableWidget(forms.Widget):
    """Shows a sentence where the value would be entered, and takes no input."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Return the sentence."""
        return format_html('<p class="readonly">{}</p>', value)

    def id_for_label(self, id_: str) -> str:
        """Return nothing: there is no input that the label could lead to."""
        return ""


class UnreadableField(forms.Field):
    """Stands in a form for the field whose value does not open; its data are never looked at."""

    widget = UnreadableWidget

    def __init__(self, form: Any, **options: Any) -> None:
        super().__init__(required=False, disabled=True, **options)
        self._form = form

    def prepare_value(self, value: Any) -> str:
        """Return what the page says."""
        return gettext("This value cannot be read: %(reason)s. It stays as it is stored.") % {
            "reason": value.error.reason
        }

    def clean(self, value: Any) -> Any:
        """Return the placeholder.

        Raises:
            ValidationError: a column that the value is bound to is to change, which would need
                a new sealing.
        """
        changed = set(value.field.bind_to).intersection(self._form.changed_data)
        if changed:
            raise ValidationError(
                gettext("This value cannot be read, so this cannot be changed: %(fields)s."),
                params={"fields": ", ".join(sorted(changed))},
                code="unreadable",
            )
        return value


def keeping_unreadable(form_field: Any) -> Any:
    """Prepare the form field of an encrypted field for rows whose value does not open."""
    if form_field is not None:
        kind = form_field.bound_field_class
        form_field.bound_field_class = functools.partial(_bound_field, kind=kind)
    return form_field


def _bound_field(form: Any, field: forms.Field, name: str, *, kind: Any) -> BoundField:
    if isinstance(form.get_initial_for_field(field, name), Unreadable):
        field = UnreadableField(form, label=field.label, help_text=field.help_text)
        form.fields[name] = field
        if isinstance(form, BaseModelForm):
            _leave_out(form, name)
    made: BoundField = (kind or form.bound_field_class or BoundField)(form, field, name)
    return made


def _leave_out(form: Any, name: str) -> None:
    """Let this form neither validate nor set the attribute, which would raise."""
    options = copy.copy(form._meta)
    options.exclude = (*(options.exclude or ()), name)
    form._meta = options


def form_value(field: Any, instance: Any, read: Callable[[Any], Any]) -> Any:
    """Return the value that a form begins with, the placeholder of one that does not open."""
    try:
        return read(instance)
    except OpenRefused as error:
        stored = vars(instance).get(field.attname)
        if stored is None:  # it was deferred, and the row is not read again
            raise
        if isinstance(stored, Unreadable):
            return stored
        return Unreadable(stored.text, error, field=field)
