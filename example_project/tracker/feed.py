"""The bills in a calendar program, which cannot log in: the address is the secret."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from bt_security import tokens, web
from bt_security.ratelimit import RateLimitedMixin
from tracker.access import TrackerPageMixin, keep_administrators_out
from tracker.calendar_text import calendar_text
from tracker.models import Bill

FEED = "calendar"


@tokens.feeds.feed(FEED)
def calendar(request, user):
    keep_administrators_out(user)
    bills = Bill.objects.filter(owner=user, paid_on=None).select_related("payee")
    return HttpResponse(calendar_text(bills), content_type="text/calendar; charset=utf-8")


class CalendarAddress(TrackerPageMixin, RateLimitedMixin, View):
    """Makes a new address and shows it once; the old one is worth nothing from then on."""

    rate_limit_operation = "token_admin"

    def get(self, request):
        return self.page(request, is_issued=tokens.feeds.is_issued(request.user, FEED))

    def post(self, request):
        path = reverse("tracker:calendar", args=[tokens.feeds.issue(request.user, FEED)])
        return self.page(
            request, is_issued=True, address=f"{settings.BT_SECURITY_SITE_BASE_URL}{path}"
        )

    @staticmethod
    def page(request, **context):
        response = render(request, "tracker/calendar.html", context)
        web.no_store(response)
        return response
