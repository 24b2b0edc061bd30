"""What staff may ask of the login history, and the page of it that answers. Nothing is opened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bt_security.history.asking import DayField
from bt_security.history.cursors import TEXT_CHARS, Cursor, cursor_text, parse_cursor
from bt_security.history.shown import OUTCOME_LABELS, SEALED_FIELDS
from bt_security.models import LoginEvent
from bt_security.models.login_event import LoginEventQuerySet

PAGE_ROWS = 50
SEARCHED_DAYS = 30
"""So far back goes a search that only every row itself can answer."""

NOT_LISTED = (*SEALED_FIELDS, "ip_index", "name_digest")
USER_KIND = "user"

_READER = "staff"
"""In the place of an owner: a cursor of this list leads nowhere in that of an account."""


class EventsForm(forms.Form):
    """Filters and place of the list."""

    outcome = forms.ChoiceField(
        label=_("outcome"), required=False, choices=[("", _("all")), *OUTCOME_LABELS.items()]
    )
    day = DayField(label=_("day"), required=False)
    user = forms.CharField(
        label=_("user"),
        required=False,
        max_length=254,
        help_text=_("The log-in name as a whole, or user: and the primary key."),
    )
    cursor = forms.CharField(required=False, max_length=TEXT_CHARS, widget=forms.HiddenInput)

    def clean_user(self) -> Any:
        """Return the user who is meant, None where nobody is asked for."""
        text = self.cleaned_data["user"]
        if not text:
            return None
        found = _user(text)
        if found is None:
            raise ValidationError(_("There is no such user."), code="unknown")
        return found

    def clean_cursor(self) -> Cursor | None:
        """Return the place, None at the beginning."""
        text = self.cleaned_data["cursor"]
        found = parse_cursor(text, _READER) if text else None
        if text and found is None:
            raise ValidationError(_("There is no such page."), code="unknown")
        return found

    def searched_since(self) -> datetime | None:
        """Return since when a valid form searches, None where it asks for no bound."""
        asked = self.cleaned_data
        if not asked["outcome"] or asked["day"] or asked["user"]:
            return None
        return timezone.now() - timedelta(days=SEARCHED_DAYS)

    def events(self) -> LoginEventQuerySet:
        """Return what a valid form leaves, the newest first."""
        asked, found = self.cleaned_data, LoginEvent.objects.newest_first()
        if asked["user"]:
            found = LoginEvent.objects.for_user(asked["user"].pk)
        if asked["outcome"]:
            found = found.filter(outcome=asked["outcome"])
        if asked["day"]:
            start, end = (_midnight(asked["day"] + timedelta(days=days)) for days in (0, 1))
            found = found.filter(happened_at__gte=start, happened_at__lt=end)
        if since := self.searched_since():
            found = found.filter(happened_at__gte=since)
        return found


class Page(NamedTuple):
    """Some events, the newest first; `older` and `newer` are the cursors of the pages around."""

    events: Sequence[LoginEvent]
    older: str | None
    newer: str | None


NO_PAGE = Page((), None, None)


def read_page(asked: LoginEventQuerySet, cursor: Cursor | None) -> Page:
    """Return a page of what is asked for; one query, and sealed columns are not in it."""
    is_back = cursor is not None and cursor.is_newer
    if cursor is not None:
        around = asked.after if is_back else asked.before
        asked = around(cursor.happened_at, cursor.pk)
    found = list(asked.select_related("user").defer(*NOT_LISTED)[: PAGE_ROWS + 1])
    events, has_more = found[:PAGE_ROWS], len(found) > PAGE_ROWS
    if is_back:
        events.reverse()
    has_older = bool(events) and (is_back or has_more)
    has_newer = bool(events) and (has_more if is_back else cursor is not None)
    return Page(
        events,
        _place(events[-1], is_newer=False) if has_older else None,
        _place(events[0], is_newer=True) if has_newer else None,
    )


def _place(event: LoginEvent, *, is_newer: bool) -> str:
    return cursor_text(Cursor(event.happened_at, event.pk, is_newer), _READER)


def _user(text: str) -> Any:
    """Return the user of a log-in name or of "user:" and a primary key, None if there is none."""
    model = get_user_model()
    users = model._base_manager
    found = users.filter(**{model.USERNAME_FIELD: text}).first()
    kind, _colon, pk = text.partition(":")
    if found is not None or kind != USER_KIND:
        return found
    try:
        return users.filter(pk=pk).first()
    except (ValueError, ValidationError):  # not what a primary key looks like
        return None


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
