"""Actions on accounts for the admin of a site's users: a temporary password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.checks import CheckMessage
from django.core.exceptions import PermissionDenied
from django.db import models, router, transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from bt_security import audit, web
from bt_security.admin.acting import actor_of
from bt_security.conf import conf
from bt_security.passwords import enforcement
from bt_security.passwords.temporary import ACTION as ENTRY
from bt_security.passwords.temporary import issue_temporary_password
from bt_security.tokens.binding import mark_of

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin

ACTION = "give_temporary_password"
TEMPLATES = "admin/bt_security/temporary_password"
STATE_FIELD = "state"


class Shown:
    """A secret for a template: text there, and nothing in reports of errors."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __str__(self) -> str:
        return self._secret

    def __repr__(self) -> str:
        return "<hidden>"


class AccountActions(_Admin):
    """For the admin of a site's users: `class PeopleAdmin(AccountActions, UserAdmin)`.

    Adds the action "Give a temporary password" for one user, for whoever may change users.
    """

    actions: Any = (ACTION,)

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if self.actions is not None and ACTION not in self.actions:
            self.actions = [*self.actions, ACTION]  # the site's own ones hide those above

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Return what Django finds, and what temporary passwords still need (E063)."""
        return [*super().check(**kwargs), *enforcement.check()]

    def has_temporary_password_permission(self, request: HttpRequest) -> bool:
        """Whether the account may give temporary passwords: that of changing users."""
        return conf.has_feature("passwords") and self.has_change_permission(request)

    @admin.action(
        description=gettext_lazy("Give a temporary password"),
        permissions=["temporary_password"],
    )
    def give_temporary_password(
        self, request: HttpRequest, queryset: models.QuerySet[Any]
    ) -> HttpResponse | None:
        """Ask whether to, then do it and show the password on the page that answers.

        Raises:
            PermissionDenied: the user is a superuser, and who asks is none, or may not change this
                user.
        """
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, _("Select exactly one user."), messages.ERROR)
            return None
        (user,) = chosen
        if reason := self._refusal(request, user):
            audit.record_refusal(ENTRY, target=user, reason=reason, actor=actor_of(request))
            raise PermissionDenied
        if user.pk == request.user.pk:
            text = _("Change your own password on the page that is there for it.")
            self.message_user(request, text, messages.ERROR)
            return None
        if STATE_FIELD not in request.POST:
            return self._page(request, "ask", user, {"state": mark_of(user)})
        return self._give(request, user)

    def _refusal(self, request: HttpRequest, user: Any) -> str:
        """Return why this account may not do it to this user; "" if it may."""
        if getattr(user, "is_superuser", False) and not request.user.is_superuser:
            return "superuser"
        return "" if self.has_change_permission(request, user) else "no_permission"

    @sensitive_variables()
    def _give(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse | None:
        """Do it once: the form is tied to the password that it replaces."""
        with transaction.atomic(using=router.db_for_write(type(user))):
            locked = self._locked(user)
            if request.POST[STATE_FIELD] != mark_of(locked):
                text = _("The account has changed meanwhile. No password was given now.")
                self.message_user(request, text, messages.ERROR)
                return None
            secret = Shown(issue_temporary_password(locked, actor=actor_of(request)))
            self.log_change(request, locked, [{"changed": {"fields": ["password"]}}])
        context = {"password": secret, "hours": conf.passwords.temporary_hours}
        response = self._page(request, "given", locked, context)
        web.no_store(response)
        return response

    def _locked(self, user: AbstractBaseUser) -> Any:
        alias = router.db_for_write(type(user))
        return type(user)._base_manager.using(alias).select_for_update().get(pk=user.pk)

    def _page(
        self, request: HttpRequest, name: str, user: AbstractBaseUser, context: dict[str, Any]
    ) -> HttpResponse:
        request.current_app = self.admin_site.name
        common = {
            **self.admin_site.each_context(request),
            "title": _("Temporary password"),
            "opts": self.opts,
            "media": self.media,
            "account": user,
            "action": ACTION,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
            "state_field": STATE_FIELD,
        }
        return TemplateResponse(request, f"{TEMPLATES}/{name}.html", {**common, **context})
