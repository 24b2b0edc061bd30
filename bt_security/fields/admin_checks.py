"""System checks of model admins that search, filter or order by an encrypted field."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage
from django.core.exceptions import FieldDoesNotExist
from django.db.models.constants import LOOKUP_SEP

from bt_security.checks import finding
from bt_security.fields.lookups import index_field
from bt_security.fields.normalisers import folds_case

_SITES = "django.contrib.admin.sites"
_FILTERS = "django.contrib.admin.filters"
_PREFIXES = {"^": "istartswith", "=": "iexact", "@": "search"}


def check_admin(**_: Any) -> list[CheckMessage]:
    """Report what the admin cannot do with an encrypted field (E028, E029, W022)."""
    # Not imported at the top: that loads models, which a site without the admin does not have.
    sites = sys.modules.get(_SITES)
    if sites is None or not apps.is_installed("django.contrib.admin"):
        return []
    admins = [admin for site in sites.all_sites for admin in site._registry.values()]
    return [message for admin in admins for message in _check_one(admin)]


def _check_one(admin: Any) -> Iterator[CheckMessage]:
    place = f"{type(admin).__module__}.{type(admin).__qualname__}"
    for name in _names(admin.search_fields):
        path, lookup, field = _resolve(admin.model, name)
        if field is not None and not _can_search(field, lookup):
            yield finding(
                "E028",
                f"{place}.search_fields has {name!r}: an encrypted field cannot be searched so.",
                hint=f"Use {path + '__exact'!r}; the field needs lookup= and a BlindIndexField.",
            )
    filters = [*map(_filtered, _names(admin.list_filter)), admin.date_hierarchy]
    for name in filters:
        if name and _resolve(admin.model, name)[2] is not None:
            yield finding(
                "E029",
                f"{place} filters by {name!r}, an encrypted field.",
                hint="Take it out, or write a SimpleListFilter.",
            )
    for name in _names(admin.ordering):
        if isinstance(name, str) and _resolve(admin.model, name.lstrip("-"))[2] is not None:
            yield finding(
                "W022",
                f"{place}.ordering names {name!r}, an encrypted field.",
                hint="The order would be that of random text; order by another column.",
            )


def _names(option: Any) -> list[Any]:
    return list(option) if isinstance(option, (list, tuple)) else []


def _filtered(entry: Any) -> str | None:
    """Return the field that a filter of Django's own asks the database for."""
    if isinstance(entry, (list, tuple)):
        name, kind = entry
        return str(name) if getattr(kind, "__module__", "") == _FILTERS else None
    return entry if isinstance(entry, str) else None


def _resolve(model: Any, name: str) -> tuple[str, str, Any]:
    """Return the path, the look-up and the encrypted field of a name, the field None if plain."""
    lookup = _PREFIXES.get(name[:1], "")
    parts = (name[1:] if lookup else name).split(LOOKUP_SEP)
    for position, part in enumerate(parts, start=1):
        try:
            field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        except FieldDoesNotExist:
            break
        if getattr(field, "is_sealed_column", False):
            rest = LOOKUP_SEP.join(parts[position:])
            return LOOKUP_SEP.join(parts[:position]), rest or lookup or "icontains", field
        if not field.is_relation or field.related_model is None:
            break
        model = field.related_model
    return "", "", None


def _can_search(field: Any, lookup: str) -> bool:
    if not field.lookup or index_field(field) is None:
        return False
    return lookup == "exact" or (lookup == "iexact" and folds_case(field.lookup))
