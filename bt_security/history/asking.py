"""What an owner may ask of the history, as forms: page, API and export judge by them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from bt_security.audit.reading.asking import AddressField, MomentField
from bt_security.audit.reading.moments import FIRST_YEAR, LAST_YEAR
from bt_security.history.cursors import TEXT_CHARS
from bt_security.history.listing import Filters
from bt_security.history.shown import OUTCOME_LABELS

FORMATS = ("json", "csv")
DAY = timedelta(days=1)
ADDRESS_CHARS = 64


class AskedForm(forms.Form):
    """Filters that page, API and export take."""

    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("all")), *OUTCOME_LABELS.items()]
    )
    ip_address = AddressField(label=_("IP address"), required=False, max_length=ADDRESS_CHARS)
    device = forms.UUIDField(label=_("Device"), required=False)

    @sensitive_variables()
    def filters(self) -> Filters:
        """Return the filters of a form that is valid."""
        asked = self.cleaned_data
        return Filters(
            outcome=asked["outcome"],
            ip_address=asked["ip_address"],
            device=asked["device"],
            since=self.first_moment(),
            until=self.end(),
        )

    def first_moment(self) -> datetime | None:
        """Return the first moment that is asked for."""
        found: datetime | None = self.cleaned_data["since"]
        return found

    def end(self) -> datetime | None:
        """Return the moment before which everything is that is asked for."""
        found: datetime | None = self.cleaned_data["until"]
        return found


class ListForm(AskedForm):
    """What the API's list takes."""

    since = MomentField(required=False)
    until = MomentField(required=False)
    limit = forms.IntegerField(required=False)
    cursor = forms.CharField(required=False, max_length=TEXT_CHARS)


class ExportForm(AskedForm):
    """What the export takes."""

    since = MomentField(required=False)
    until = MomentField(required=False)
    format = forms.ChoiceField(required=False, choices=[(name, name) for name in FORMATS])


class DayField(forms.DateField):
    """A day of the calendar, in years that have a time before and after them."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
        super().__init__(
            input_formats=["%Y-%m-%d"],
            validators=[
                MinValueValidator(date(FIRST_YEAR, 1, 2)),
                MaxValueValidator(date(LAST_YEAR, 1, 1)),
            ],
            **options,
        )


class FilterForm(AskedForm):
    """The filters of the page: whole days, and the devices of the owner to choose from."""

    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("Up to and with"), required=False)
    field_order = ("outcome", "since", "until", "device", "ip_address")

    def __init__(self, *args: Any, devices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["device"].widget = forms.Select(choices=[("", _("all")), *devices])

    def first_moment(self) -> datetime | None:
        """Return the first moment of the day."""
        return _midnight(self.cleaned_data["since"])

    def end(self) -> datetime | None:
        """Return the first moment of the day after."""
        day: date | None = self.cleaned_data["until"]
        return _midnight(day + DAY if day else None)


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime(day.year, day.month, day.day)) if day else None
