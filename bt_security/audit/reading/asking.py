"""What a reader may ask for, as forms: the admin's list and the JSON endpoint judge by them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy

from bt_security.audit.reading.chart import DEFAULT_SPAN, SPANS, Span
from bt_security.audit.reading.listing import Filters
from bt_security.audit.reading.moments import parse_moment
from bt_security.models import Outcome
from bt_security.net import parse_address

ID_MAX = 2**63 - 1


class MomentField(forms.CharField):
    """A time in ISO 8601; without an offset it is in the site's time zone."""

    def to_python(self, value: object) -> Any:
        """Return an aware time, None where nothing is given."""
        text = super().to_python(value)
        if not text:
            return None
        try:
            return parse_moment(text)
        except ValueError:
            raise forms.ValidationError(
                gettext_lazy("Enter a time like 2026-03-31T14:30."), code="invalid"
            ) from None


class AddressField(forms.CharField):
    """An IP address, in canonical text as entries have it."""

    def to_python(self, value: object) -> str:
        """Return the address, "" where none is given."""
        text = super().to_python(value)
        if not text:
            return ""
        address = parse_address(text)
        if address is None:
            raise forms.ValidationError(gettext_lazy("Enter an IP address."), code="invalid")
        return str(address)


class AskedForm(forms.Form):
    """Filters that both readers take."""

    action = forms.CharField(label=gettext_lazy("action"), required=False, max_length=64)
    actor = forms.CharField(label=gettext_lazy("actor"), required=False, max_length=80)
    target = forms.CharField(label=gettext_lazy("target"), required=False, max_length=170)
    since = MomentField(label=gettext_lazy("from"), required=False)
    until = MomentField(label=gettext_lazy("before"), required=False)

    def filters(self) -> Filters:
        """Return the filters of a form that is valid, with a period where they need one."""
        given: dict[str, Any] = {name: self.cleaned_data[name] for name in self.filter_names}
        return Filters(**given).within_period()

    filter_names: ClassVar[tuple[str, ...]] = ("action", "actor", "target", "since", "until")


class ListForm(AskedForm):
    """Filters and place of the admin's list."""

    filter_names: ClassVar[tuple[str, ...]] = (
        *AskedForm.filter_names,
        "outcome",
        "address",
        "request_id",
        "text",
    )

    outcome = forms.TypedChoiceField(
        label=gettext_lazy("outcome"),
        required=False,
        choices=[("", gettext_lazy("all")), *Outcome.choices],
        coerce=int,
        empty_value=None,
    )
    address = AddressField(label=gettext_lazy("address"), required=False, max_length=64)
    request_id = forms.CharField(label=gettext_lazy("request"), required=False, max_length=128)
    text = forms.CharField(label=gettext_lazy("text"), required=False, max_length=200)
    before = forms.IntegerField(required=False, min_value=0, max_value=ID_MAX)
    after = forms.IntegerField(required=False, min_value=0, max_value=ID_MAX)


class TimelineForm(forms.Form):
    """What the timeline shows."""

    action = forms.CharField(label=gettext_lazy("action"), required=False, max_length=64)
    span = forms.ChoiceField(
        label=gettext_lazy("period"),
        required=False,
        choices=[(span.name, span.name) for span in SPANS],
    )

    def chosen_span(self) -> Span:
        """Return the span that was chosen, else the usual one."""
        chosen = self.cleaned_data.get("span")
        return next((span for span in SPANS if span.name == chosen), DEFAULT_SPAN)


class PageForm(AskedForm):
    """Filters and place of the JSON endpoint."""

    limit = forms.IntegerField(required=False, min_value=None)
    cursor = forms.IntegerField(required=False, min_value=0, max_value=ID_MAX)
