"""What the links in mails lead to. A GET only asks; what the link is for happens by POST."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.forms import SetPasswordForm
from django.urls import reverse_lazy
from django.utils import timezone

from bt_security.ratelimit import RateLimitedMixin
from bt_security.tokens import ConfirmTokenView
from people.forms import SignUpForm
from people.models import User

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


class ResetPassword(RateLimitedMixin, ConfirmTokenView):
    """Ends the account's sessions, too. A refused password leaves the link good."""

    purpose = "password_reset"
    rate_limit_operation = "password_reset"
    title = "Choose a new password"
    button = "Save the password"
    success_url = reverse_lazy("people:log-in")

    def get_form(self, claim, data=None):
        return SetPasswordForm(claim.user, data)

    def act(self, claim, form):
        form.save()
        messages.success(self.request, "The password is changed. Log in with it.")


class VerifyAddress(RateLimitedMixin, ConfirmTokenView):
    purpose = "email_verification"
    rate_limit_operation = "auth"
    title = "Confirm your address"
    text = "Is this account's e-mail address yours?"
    button = "Yes, it is mine"
    success_url = reverse_lazy("people:account")

    def act(self, claim, form):
        User.objects.filter(pk=claim.user.pk).update(email_verified_at=timezone.now())
        messages.success(self.request, "Thank you: the address is confirmed.")


class OpenMagicLink(RateLimitedMixin, ConfirmTokenView):
    """Logs in, in the browser that asked for the link and no other."""

    purpose = "magic_link"
    rate_limit_operation = "auth"
    title = "Log in"
    text = "You asked for this link to log in."
    button = "Log in"
    success_url = reverse_lazy("tracker:bills")

    def act(self, claim, form):
        login(self.request, claim.user, backend=MODEL_BACKEND)


class SignUp(RateLimitedMixin, ConfirmTokenView):
    """Makes an account of the address that was invited."""

    purpose = "invite"
    rate_limit_operation = "invite"
    title = "Welcome"
    text = "Choose a password for your account."
    button = "Make my account"
    success_url = reverse_lazy("tracker:bills")

    def get_form(self, claim, data=None):
        # Whoever has the link reads the mail of this address, so it needs no other confirmation.
        invited = User(email=claim.subject, email_verified_at=timezone.now())
        return SignUpForm(data, instance=invited)

    def act(self, claim, form):
        login(self.request, form.save(), backend=MODEL_BACKEND)
