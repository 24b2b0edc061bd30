"""The "Encryption keys" page: state at a glance, values per column and key on demand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from bt_security.admin.counts import table_rows
from bt_security.admin.overview import Overview, next_steps, overview
from bt_security.admin.read_only import ReadOnlyPages
from bt_security.exceptions import OpenRefused
from bt_security.models import EncryptionKeys
from bt_security.rotation import KeyStatus, key_status


@admin.register(EncryptionKeys)
class EncryptionKeysAdmin(ReadOnlyPages):
    """Shows keys by id and what is sealed with them; no key and no row of the key table.

    Staff need `bt_security.view_encryptionkeys`. GET reads the key table alone; POST counts,
    with one scan per sealed column. The sibling `status.json` gives the same as JSON.
    """

    methods = ("GET", "HEAD", "POST")

    def get_urls(self) -> list[URLPattern]:
        """Return the page and its JSON twin; none of the model admin's own views."""
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(self.show), name=self.url_name("changelist")),
            path(
                "status.json",
                guarded(self.show_json),
                name=self.url_name("status"),
            ),
        ]

    def show(self, request: HttpRequest) -> HttpResponse:
        """Answer with the page; counted if it was a POST."""
        if refusal := self.refuse(request):
            return refusal
        seen, counted = _look(request)
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "title": _("Encryption keys"),
            "viewer_name": _viewer_name(request),
            "opts": self.opts,
            "seen": seen,
            "counted": counted,
            "rows": table_rows(seen, counted) if counted is not None else [],
            "warnings": _warnings(seen, counted),
            "steps": next_steps(seen, counted),
            "json_url": self.url("status"),
        }
        return TemplateResponse(request, "bt_security/encryption_keys.html", context)

    def show_json(self, request: HttpRequest) -> HttpResponse:
        """Answer with the same as JSON; `counts` is null unless it was a POST."""
        if refusal := self.refuse(request):
            return refusal
        seen, counted = _look(request)
        return JsonResponse(
            {
                "encryption_key_source": "env" if seen.source == "environment" else "db",
                "state": seen.phase,
                "sealing_key_id": seen.sealing_key_id,
                "operator_key_id": seen.operator_key_id,
                "previous_key_ids": seen.previous_key_ids,
                "database_key_ids": seen.database_key_ids,
                "accepts_database_key": seen.accepts_database_key,
                "refusal": seen.refusal,
                "warnings": _warnings(seen, counted),
                "next": [step._asdict() for step in next_steps(seen, counted)],
                "counts": _counts(counted),
            }
        )


def _viewer_name(request: HttpRequest) -> str:
    """Name the account even if its own name is sealed under a key that is missing now."""
    try:
        return request.user.get_username()
    except OpenRefused:
        return f"{get_user_model()._meta.verbose_name} {request.user.pk}"


def _look(request: HttpRequest) -> tuple[Overview, KeyStatus | None]:
    seen = overview()
    if request.method != "POST" or not seen.is_usable:
        return seen, None
    counted = key_status()
    return overview(), counted


def _warnings(seen: Overview, counted: KeyStatus | None) -> list[str]:
    return seen.warnings if counted is None else [_(warning) for warning in counted.warnings]


def _counts(counted: KeyStatus | None) -> dict[str, Any] | None:
    if counted is None:
        return None
    everything = counted.as_json()
    return {name: everything[name] for name in ("columns", "purpose_keys", "orphans", "old")}
