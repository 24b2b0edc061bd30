"""Django's own list of the plain twin, with as many rows on a page as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.contrib import admin

from benchmarks.history.floors.models import PlainEvent

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[PlainEvent]
else:
    _Admin = admin.ModelAdmin


@admin.register(PlainEvent)
class PlainEventAdmin(_Admin):
    """What a site would write."""

    list_display = ("happened_at", "user", "outcome", "method", "device_label", "ip_address")
    list_filter = ("outcome",)
    list_per_page = 50
    list_select_related = ("user",)
    ordering: ClassVar = ("-happened_at", "-pk")
