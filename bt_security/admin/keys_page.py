"""The "Encryption keys" page: state at a glance, values per column and key on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from bt_security.admin.counts import table_rows
from bt_security.admin.overview import Overview, next_steps, overview
from bt_security.exceptions import OpenRefused
from bt_security.models import EncryptionKeys
from bt_security.rotation import KeyStatus, key_status

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[EncryptionKeys]
else:
    _Admin = admin.ModelAdmin

METHODS = ("GET", "HEAD", "POST")


@admin.register(EncryptionKeys)
class EncryptionKeysAdmin(_Admin):
    """Shows keys by id and what is sealed with them; no key and no row of the key table.

    Staff need `bt_security.view_encryptionkeys`. GET reads the key table alone; POST counts,
    with one scan per sealed column. The sibling `status.json` gives the same as JSON.
    """

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: there is nothing to add."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: keys are changed by the operator, never here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: a key goes by `rotate_keys --retire-database-key` alone."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Return the page and its JSON twin; none of the model admin's own views."""
        guarded = self.admin_site.admin_view
        return [
            path("", guarded(self.show), name="bt_security_encryptionkeys_changelist"),
            path(
                "status.json",
                guarded(self.show_json),
                name="bt_security_encryptionkeys_status",
            ),
        ]

    def show(self, request: HttpRequest) -> HttpResponse:
        """Answer with the page; counted if it was a POST."""
        if refusal := self._refuse(request):
            return refusal
        seen, counted = _look(request)
        name = self.admin_site.name
        request.current_app = name
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
            "json_url": reverse("admin:bt_security_encryptionkeys_status", current_app=name),
        }
        return TemplateResponse(request, "bt_security/encryption_keys.html", context)

    def show_json(self, request: HttpRequest) -> HttpResponse:
        """Answer with the same as JSON; `counts` is null unless it was a POST."""
        if refusal := self._refuse(request):
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

    def _refuse(self, request: HttpRequest) -> HttpResponse | None:
        """Return the answer to a wrong method.

        Raises:
            PermissionDenied: the account may not see the keys.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        return None if request.method in METHODS else HttpResponseNotAllowed(METHODS)


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
