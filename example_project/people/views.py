"""Logging in and out, and changing the password."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.contrib.messages.views import SuccessMessageMixin
from django.urls import reverse, reverse_lazy

from bt_security.ratelimit import RateLimitedMixin

ACCOUNT = reverse_lazy("people:account")


class LogIn(RateLimitedMixin, LoginView):
    rate_limit_operation = "login"
    rate_limit_account = "username"
    template_name = "people/log_in.html"
    redirect_authenticated_user = True
    extra_context = {"heading": "Log in", "button": "Log in"}

    def get_default_redirect_url(self):
        if self.request.user.is_staff:
            return reverse("admin:index")
        return super().get_default_redirect_url()


class LogOut(LogoutView):
    next_page = reverse_lazy("people:log-in")


class ChangePassword(RateLimitedMixin, SuccessMessageMixin, PasswordChangeView):
    """Ends the account's other sessions, too."""

    rate_limit_operation = "password_change"
    template_name = "people/password.html"
    success_url = ACCOUNT
    success_message = "The password is changed. You are logged out everywhere else."
    extra_context = {"heading": "Change the password", "button": "Change", "cancel": ACCOUNT}
