"""The audit log in the admin: a list, one entry with its personal data, and a timeline."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from bt_security.admin.read_only import ReadOnlyPages, kept, place_query
from bt_security.audit import all_actions
from bt_security.audit.reading import chart
from bt_security.audit.reading.asking import ListForm, TimelineForm
from bt_security.audit.reading.listing import (
    Page,
    read_page,
    record_reading,
    record_reading_one,
    record_timeline,
    seal_of,
)
from bt_security.audit.reading.opened import open_all
from bt_security.audit.reading.shown import UNREADABLE, actor_kind_name, details, iso, outcome_name
from bt_security.audit.verification.soundness import soundness
from bt_security.conf import conf
from bt_security.models import AuditEntry

_NOT_LISTED = ("body", "personal", "row_hash", "mac", "address_tag")
_PLACES = ("before", "after")
_FILTERS = tuple(name for name in ListForm.base_fields if name not in _PLACES)


class AuditEntryAdmin(ReadOnlyPages):
    """Shows entries; nothing can be added, changed or deleted. What is looked at is recorded.

    Staff need `bt_security.view_auditentry`. Pages are found by id and never counted. Entries go by
    `prune_audit_log` alone, by whole seals.
    """

    templates = "admin/bt_security/auditentry"

    def get_urls(self) -> list[URLPattern]:
        """Return the three pages; none of the model admin's own views."""
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(self.show_list), name=self.url_name("changelist")),
            path("timeline/", guarded(self.show_timeline), name=self.url_name("timeline")),
            path("<int:entry_id>/change/", guarded(self.show_entry), name=self.url_name("change")),
        ]

    def show_list(self, request: HttpRequest) -> HttpResponse:
        """Answer with a page of entries, the newest first."""
        if refusal := self.refuse(request):
            return refusal
        form = ListForm(request.GET)
        page, filters = Page([], None, None), None
        if form.is_valid():
            filters = form.filters()
            place = {name: form.cleaned_data[name] for name in _PLACES}
            page = read_page(
                filters.entries(), limit=conf.audit.page_size, without=_NOT_LISTED, **place
            )
            record_reading("list", filters, count=len(page.entries), **place)
        filled = kept(request.GET, _FILTERS)
        context = {
            "form": form,
            "lines": self._lines(page.entries),
            "filters": filters,
            "has_own_period": bool(form.is_valid() and form.cleaned_data["since"]),
            "actions": [action.name for action in all_actions()],
            "is_filtered": bool(filled),
            "is_first": not any(request.GET.get(name) for name in _PLACES),
            "newest_query": urlencode(filled),
            "newer_query": place_query(filled, "after", page.newer),
            "older_query": place_query(filled, "before", page.older),
            "timeline_url": self.url("timeline"),
        }
        return self.answer(request, "list", _("audit log"), context)

    def show_entry(self, request: HttpRequest, entry_id: int) -> HttpResponse:
        """Answer with everything an entry says, its personal data opened."""
        if refusal := self.refuse(request):
            return refusal
        entry = AuditEntry.objects.filter(pk=entry_id).first() if entry_id < 2**63 else None
        if entry is None:
            raise Http404
        (personal,) = open_all([entry])
        record_reading_one(entry)
        said = details(entry)
        context = {
            "line": _line(entry),
            "entry": entry,
            "recorded_at": iso(entry.recorded_at),
            "actor_kind": actor_kind_name(entry.actor_kind),
            "details": _pretty(said),
            "is_readable": UNREADABLE not in said,
            "personal": personal,
            "seal": seal_of(entry),
            "soundness": soundness(entry.pk),
        }
        return self.answer(request, "entry", str(entry.uid), context)

    def show_timeline(self, request: HttpRequest) -> HttpResponse:
        """Answer with the chart of sealed entries per hour or day."""
        if refusal := self.refuse(request):
            return refusal
        form = TimelineForm(request.GET)
        form.is_valid()  # what is not valid is left out
        chosen, action = form.chosen_span(), form.cleaned_data.get("action", "")
        drawn = chart.drawn(chosen, action=action)
        record_timeline(chosen.name, action=action)
        context = {
            "form": form,
            "chart": drawn,
            "spans": chart.SPANS,
            "actions": [action.name for action in all_actions()],
        }
        return self.answer(request, "timeline", _("Timeline of the audit log"), context)

    def _lines(self, entries: list[AuditEntry]) -> list[dict[str, str]]:
        """Return what the list says of each entry; templates read dictionaries fastest."""
        end = "0/change/"
        start = self.url("change", 0).removesuffix(end)
        return [{"url": f"{start}{entry.pk}{end[1:]}", **_line(entry)} for entry in entries]


def register(site: admin.AdminSite) -> None:
    """Add the log to an admin site, if the feature is on and it is not there already.

    Raises:
        ImproperlyConfigured: `BT_SECURITY_FEATURES` is malformed.
    """
    if conf.has_feature("audit") and not site.is_registered(AuditEntry):
        site.register(AuditEntry, AuditEntryAdmin)


def _pretty(said: dict[str, Any]) -> str:
    """Return JSON to read; half of a surrogate pair, which no page can hold, stays escaped."""
    text = json.dumps(said, indent=2, ensure_ascii=False, sort_keys=True)
    return text.encode("utf-8", "backslashreplace").decode()


def _line(entry: AuditEntry) -> dict[str, str]:
    kind = actor_kind_name(entry.actor_kind)
    target = f"{entry.target_kind}:{entry.target_id}" if entry.target_id else entry.target_kind
    return {
        "time": f"{timezone.localtime(entry.recorded_at):%Y-%m-%d %H:%M:%S}",
        "action": entry.action,
        "action_query": quote(entry.action),
        "outcome": outcome_name(entry.outcome),
        "reason": entry.reason,
        "actor": f"{kind} {entry.actor_id}".strip(),
        "actor_query": quote(f"{kind}:{entry.actor_id}"),
        "target": target,
        "target_query": quote(target),
    }
