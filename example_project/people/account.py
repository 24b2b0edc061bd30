"""The account page: where its owner is logged in, and which browsers are known."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404
from django.shortcuts import redirect
from django.views import View
from django.views.generic import TemplateView

from bt_security import devices, sessions
from bt_security.ratelimit import RateLimitedMixin


class Account(LoginRequiredMixin, TemplateView):
    template_name = "people/account.html"

    def get_context_data(self, **kwargs):
        request = self.request
        return super().get_context_data(
            sessions=sessions.for_user(request.user, request=request),
            devices=devices.for_user(request.user),
            this_device=devices.identify(request),
            **kwargs,
        )


class EndSession(LoginRequiredMixin, RateLimitedMixin, View):
    rate_limit_operation = "session_admin"
    http_method_names = ["post"]

    def post(self, request, session_id):
        if not sessions.revoke(session_id, user=request.user):
            raise Http404
        messages.success(request, "That browser is logged out.")
        return redirect("people:account")


class EndOtherSessions(LoginRequiredMixin, RateLimitedMixin, View):
    rate_limit_operation = "session_admin"
    http_method_names = ["post"]

    def post(self, request):
        number = sessions.revoke_others(request)
        messages.success(request, f"Logged out elsewhere: {number}.")
        return redirect("people:account")


class ForgetDevice(LoginRequiredMixin, RateLimitedMixin, View):
    rate_limit_operation = "device_admin"
    http_method_names = ["post"]

    def post(self, request, device_id):
        device = devices.find(request.user, device_id)
        if device is None:
            raise Http404
        devices.revoke(device)
        messages.success(request, "That browser is not known any more.")
        return redirect("people:account")
