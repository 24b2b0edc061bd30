"""The list of sessions in the admin: who is logged in since when, and an action that ends them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename, get_user_model
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from bt_security.admin.read_only import ReadOnlyAdmin, owner_of
from bt_security.conf import conf
from bt_security.models import Session
from bt_security.sessions import own
from bt_security.sessions.limits import idle_since


class SessionAdmin(ReadOnlyAdmin):
    """Shows log-ins without key, digest and content; nothing of them can be changed.

    Staff see it with `bt_security.view_session` and end sessions with
    `bt_security.delete_session`, in the cache as well. Searched by log-in name.
    """

    actions = ("end_selected",)
    list_display = ("uuid", "owner", "created_at", "last_seen_at", "expires_at")
    list_display_links = None
    list_select_related = ("user",)
    ordering = ("-last_seen_at",)
    fields: ClassVar = list_display
    search_help_text = gettext_lazy("Search by log-in name")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Session]:
        """Return the live sessions of log-ins; those of visitors are nobody's business."""
        live = Session.objects.live(idle_since=idle_since())
        return live.order_by(*self.ordering).defer("sealed", "digest", "mark")

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Return the log-in name, compared as a whole, which an encrypted one can be as well."""
        return [f"user__{get_user_model().USERNAME_FIELD}__exact"]

    @admin.display(description=gettext_lazy("user"), ordering="user")
    def owner(self, session: Session) -> str:
        """Return who is logged in, by primary key if the name does not open."""
        return owner_of(session)

    @admin.action(description=gettext_lazy("End the selected sessions"), permissions=["end"])
    def end_selected(self, request: HttpRequest, queryset: models.QuerySet[Session]) -> None:
        """End them; the next request of each is anonymous."""
        ended = own.revoke_each(queryset.values_list("uuid", flat=True))
        text = ngettext("%(count)d session was ended.", "%(count)d sessions were ended.", ended)
        self.message_user(request, text % {"count": ended}, messages.SUCCESS)

    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whether the account may end sessions of others."""
        code = get_permission_codename("delete", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{code}")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the account may see the list, or end what is on it."""
        return super().has_view_permission(request, obj) or self.has_end_permission(request)


def register(site: admin.AdminSite) -> None:
    """Add the list to an admin site, if the feature is on and it is not there already.

    Raises:
        ImproperlyConfigured: `BT_SECURITY_FEATURES` is malformed.
    """
    if conf.has_feature("sessions") and not site.is_registered(Session):
        site.register(Session, SessionAdmin)
