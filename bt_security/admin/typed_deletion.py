"""Deletion in the admin that asks for the name of what is deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin

FIELD = "typed_name"
TEMPLATE = "admin/bt_security/typed_deletion/confirmation.html"
BAD_REQUEST = 400

NOT_TYPED = gettext_lazy("The name was not typed.")
"""What stands in Django's way, in the place of objects that protect the one to be deleted."""


class TypedDeletionMixin(_Admin):
    """Asks for the name of what is deleted: `class BankAdmin(TypedDeletionMixin, ModelAdmin)`.

    For one object its name, for several their number and the plural: "3 banks". Another answer is a
    400 with the form again, and deletes nothing. Django's templates and those that the site puts in
    their place are used; the field is added before their button.
    """

    def typed_name(self, obj: models.Model) -> str:
        """Return what has to be typed to delete an object: its text, by default."""
        return _on_one_line(str(obj)) or f"{self.opts.verbose_name} {obj.pk}"

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Return what Django finds; without the name, a confirmed deletion is not allowed."""
        found, counts, lacking, protected = super().get_deleted_objects(objs, request)
        if not lacking and not protected and self._is_without_name(request, objs):
            protected = [cast(str, NOT_TYPED)]
        return found, counts, lacking, protected

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """Return the page that asks about one object."""
        response = super().render_delete_form(request, context)
        return self._asking(response, [context["object"]], title=_("Delete"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the list, or the page on which its action asks about several objects."""
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if "deletable_objects" not in context:
            return response
        return self._asking(response, context["queryset"], title=_("Delete multiple objects"))

    def _is_without_name(self, request: HttpRequest, objs: Any) -> bool:
        """Whether a deletion is confirmed, and not by the name."""
        # What Django takes for a confirmation: of its action `post`, of one object any POST.
        is_action = isinstance(objs, models.QuerySet)
        is_confirmed = request.POST.get("post") if is_action else request.POST
        if not is_confirmed or not objs:
            return False
        return request.POST.get(FIELD, "").strip() != self._name_of(objs)

    def _name_of(self, objs: Iterable[models.Model]) -> str:
        found = list(objs)
        if len(found) == 1:
            return self.typed_name(found[0]).strip()
        return f"{len(found)} {self.opts.verbose_name_plural}"

    def _asking(
        self, response: HttpResponse, objs: Iterable[models.Model], *, title: str
    ) -> HttpResponse:
        if not isinstance(response, TemplateResponse) or response.context_data is None:
            return response
        context = response.context_data
        is_refused = any(each is NOT_TYPED for each in context["protected"])
        if is_refused:
            context.update(protected=[], title=title)
            response.status_code = BAD_REQUEST
        context.update(
            confirmation_template=response.resolve_template(response.template_name),
            name_to_type=self._name_of(objs),
            name_field=FIELD,
            is_name_wrong=is_refused,
        )
        response.template_name = TEMPLATE
        return response


def _on_one_line(text: str) -> str:
    """Return text as a browser shows it, which can be typed into one line."""
    return " ".join(text.split())
