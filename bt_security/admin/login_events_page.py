"""The login history in the admin: a list, one log-in, and the log-ins of each day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from bt_security import audit, sessions, web
from bt_security.admin.acting import actor_of
from bt_security.admin.login_events import (
    NO_PAGE,
    NOT_LISTED,
    SEARCHED_DAYS,
    USER_KIND,
    EventsForm,
    read_page,
)
from bt_security.admin.read_only import ReadOnlyPages, kept, owner_of, place_query
from bt_security.conf import conf
from bt_security.history.charts import per_day
from bt_security.history.counts import recent
from bt_security.history.shown import OUTCOME_LABELS, stored
from bt_security.models import LoginEvent

DETAILS_PERMISSION = "bt_security.view_login_details"
DETAILS_READ = "history.details_read"
CHART_DAYS = 30

_FILTERS = ("outcome", "day", "user")


class Hidden(dict[str, Any]):
    """Values for a template, and nothing in reports of errors."""

    def __repr__(self) -> str:
        return "<hidden>"


class LoginEventAdmin(ReadOnlyPages):
    """Shows log-ins; nothing can be added, changed or deleted.

    Staff need `bt_security.view_loginevent`. Address, browser and place are on the page of one
    log-in only, for staff with `bt_security.view_login_details`, and only where reading them is
    recorded. Pages are found by time and never counted. `prune_security_logs` alone deletes.
    """

    templates = "admin/bt_security/loginevent"

    def get_urls(self) -> list[URLPattern]:
        """Return the three pages; none of the model admin's own views."""
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(self.show_list), name=self.url_name("changelist")),
            path("days/", guarded(self.show_days), name=self.url_name("days")),
            path("<int:event_id>/change/", guarded(self.show_event), name=self.url_name("change")),
        ]

    def show_list(self, request: HttpRequest) -> HttpResponse:
        """Answer with a page of log-ins, the newest first."""
        if refusal := self.refuse(request):
            return refusal
        form, page, since = EventsForm(request.GET), NO_PAGE, None
        if form.is_valid():
            page = read_page(form.events(), form.cleaned_data["cursor"])
            since = form.searched_since()
        filled = kept(request.GET, _FILTERS)
        context = {
            "form": form,
            "lines": self._lines(page.events),
            "searched_days": SEARCHED_DAYS if since else 0,
            "is_filtered": bool(filled),
            "is_first": not request.GET.get("cursor"),
            "newest_query": urlencode(filled),
            "newer_query": place_query(filled, "cursor", page.newer),
            "older_query": place_query(filled, "cursor", page.older),
            "days_url": self.url("days"),
        }
        return self.answer(request, "list", _("Log-ins"), context)

    def show_days(self, request: HttpRequest) -> HttpResponse:
        """Answer with the log-ins of each day as a chart, and how many there were of late."""
        if refusal := self.refuse(request):
            return refusal
        counts = [(OUTCOME_LABELS[one.outcome], one.day, one.month) for one in recent()]
        context = {"chart": per_day(days=CHART_DAYS), "counts": counts}
        return self.answer(request, "days", _("Log-ins per day"), context)

    @sensitive_variables()
    def show_event(self, request: HttpRequest, event_id: int) -> HttpResponse:
        """Answer with what is known of a log-in; from where it came, if the account may see it."""
        if refusal := self.refuse(request):
            return refusal
        may_see = request.user.has_perm(DETAILS_PERMISSION)
        is_opened = may_see and conf.has_feature("audit")
        event = _event(event_id, is_opened=is_opened)
        context = {
            "line": _line(event),
            "event": event,
            "is_unrecorded": may_see and not is_opened,
            "is_live": _is_live(event),
        }
        if is_opened:
            context["details"] = _read(request, event)
        answer = self.answer(request, "event", str(event.uid), context)
        web.no_store(answer)
        return answer

    def _lines(self, events: Sequence[LoginEvent]) -> list[dict[str, Any]]:
        """Return what the list says of each log-in; templates read dictionaries fastest."""
        end = "0/change/"
        start = self.url("change", 0).removesuffix(end)
        return [{"url": f"{start}{event.pk}{end[1:]}", **_line(event)} for event in events]


def register(site: admin.AdminSite) -> None:
    """Add the history to an admin site, if the feature is on and it is not there already.

    Raises:
        ImproperlyConfigured: `BT_SECURITY_FEATURES` is malformed.
    """
    if conf.has_feature("history") and not site.is_registered(LoginEvent):
        site.register(LoginEvent, LoginEventAdmin)


def _event(event_id: int, *, is_opened: bool) -> LoginEvent:
    """Return an event, without its sealed columns if they are not opened.

    Raises:
        Http404: there is none.
    """
    events = LoginEvent.objects.select_related("user", "device")
    if not is_opened:
        events = events.defer(*NOT_LISTED)
    found = events.filter(pk=event_id).first() if event_id < 2**63 else None
    if found is None:
        raise Http404
    return found


@sensitive_variables()
def _read(request: HttpRequest, event: LoginEvent) -> Hidden:
    """Return what an event has sealed, recorded before anybody sees it.

    Raises:
        AuditUnavailable: it cannot be recorded, so nothing may be shown.
    """
    opened = stored(event)
    details = {} if event.user_id is None else {"user": str(event.user_id)}
    audit.record(
        DETAILS_READ,
        target=f"{event._meta.label_lower}:{event.uid}",
        details=details,
        actor=actor_of(request),
    )
    return Hidden(opened, location=Hidden(opened["location"] or {}))


def _is_live(event: LoginEvent) -> bool:
    if event.user is None or event.session_uuid is None:
        return False
    return bool(sessions.live_among(event.user, [event.session_uuid]))


def _line(event: LoginEvent) -> dict[str, Any]:
    user_name, user_query = "", ""
    if event.user_id is not None:
        user_name, user_query = owner_of(event), quote(f"{USER_KIND}:{event.user_id}")
    return {
        "time": f"{timezone.localtime(event.happened_at):%Y-%m-%d %H:%M:%S}",
        "user": user_name,
        "user_query": user_query,
        "outcome": OUTCOME_LABELS.get(event.outcome, event.outcome),
        "method": event.method,
        "device": event.device_label,
        "marks": _marks(event),
    }


def _marks(event: LoginEvent) -> list[str]:
    marks = [_("new device")] if event.is_new_device else []
    if event.travel_km is not None and event.travel_kmh is not None:
        how_far = {"km": event.travel_km, "kmh": event.travel_kmh}
        marks.append(_("impossible travel: %(km)d km at %(kmh)d km/h") % how_far)
    if event.disowned_at is not None:
        marks.append(_("disowned by the user"))
    return marks
