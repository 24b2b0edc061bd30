"""What the lists of this package in the admin have in common: people look, and change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from bt_security.exceptions import OpenRefused

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = admin.ModelAdmin


class ReadOnlyAdmin(_Admin):
    """Rows that the package alone writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: the site records."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: there is nothing that could be changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether a row may go with its user, whom somebody deletes elsewhere in the admin.

        There Django asks this for each row that would go, and whoever may delete the user may
        not be stopped by it. Here nothing is deleted: commands alone do that.
        """
        page = getattr(request, "resolver_match", None)
        return obj is not None and page is not None and not self._is_own(page.url_name or "")

    def _is_own(self, url_name: str) -> bool:
        """Whether an address of the admin is one of these rows' own."""
        return url_name.startswith(f"{self.opts.app_label}_{self.opts.model_name}_")


class ReadOnlyPages(ReadOnlyAdmin):
    """Pages of its own instead of the model admin's; `templates` is where theirs are."""

    templates: ClassVar[str]
    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD")

    def url_name(self, page: str) -> str:
        """Return the name of a page's address within the admin site."""
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def url(self, page: str, *arguments: object) -> str:
        """Return the address of a page on this admin site."""
        name = f"admin:{self.url_name(page)}"
        return reverse(name, args=arguments, current_app=self.admin_site.name)

    def refuse(self, request: HttpRequest) -> HttpResponse | None:
        """Return the answer to a wrong method, None to go on.

        Raises:
            PermissionDenied: the account may not look.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        return None if request.method in self.methods else HttpResponseNotAllowed(self.methods)

    def answer(
        self, request: HttpRequest, page: str, title: str, context: dict[str, Any]
    ) -> HttpResponse:
        """Return a page of this admin site."""
        request.current_app = self.admin_site.name
        common = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "list_url": self.url("changelist"),
        }
        return TemplateResponse(request, f"{self.templates}/{page}.html", {**common, **context})


def kept(query: QueryDict, names: Iterable[str]) -> dict[str, str]:
    """Return the filters of a query that are set; the place in the list is none of `names`."""
    return {name: str(query[name]) for name in names if query.get(name)}


def place_query(filters: dict[str, str], name: str, cursor: object) -> str:
    """Return the query of a place in the list with these filters, "" where there is no place."""
    return urlencode({**filters, name: str(cursor)}) if cursor is not None else ""


def owner_of(row: Any) -> str:
    """Return whose a row is, by primary key if the name does not open."""
    try:
        return str(row.user)
    except OpenRefused:
        return f"{get_user_model()._meta.verbose_name} {row.user_id}"
