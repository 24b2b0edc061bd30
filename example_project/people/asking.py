"""Pages that send a link.

What they say to a stranger is the same whether or not the address has an account. The time they
take is not, because the mail is sent before the answer: a larger site hands it to a queue.
"""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views import View
from django.views.generic import FormView

from bt_security import tokens
from bt_security.ratelimit import RateLimitedMixin
from people.forms import AddressForm
from people.mails import send_link
from people.models import User

LOG_IN = reverse_lazy("people:log-in")


class AskForLink(RateLimitedMixin, FormView):
    """Asks for an address and calls `send` for the account that has it."""

    rate_limit_account = "email"
    form_class = AddressForm
    template_name = "form_page.html"
    success_url = LOG_IN

    def form_valid(self, form):
        user = User.objects.filter(email=form.cleaned_data["email"], is_active=True).first()
        if user is not None:
            self.send(user)
        messages.success(self.request, "If the address has an account, a mail is on its way.")
        return super().form_valid(form)


class Forgotten(AskForLink):
    rate_limit_operation = "password_forgot"
    extra_context = {
        "heading": "Forgotten your password?",
        "intro": "You get a mail with a link to choose a new one.",
        "button": "Send the mail",
        "cancel": LOG_IN,
    }

    def send(self, user):
        token = tokens.issue("password_reset", user)
        sentence = "Choose a new password within an hour:"
        send_link(user.email, "New password", sentence, "people:reset", token)


class MagicLink(AskForLink):
    rate_limit_operation = "magic_link"
    extra_context = {
        "heading": "Log in by e-mail",
        "intro": "You get a mail with a link. Open it in this browser.",
        "button": "Send the mail",
        "cancel": LOG_IN,
    }

    def send(self, user):
        token = tokens.issue("magic_link", user, browser=tokens.this_browser(self.request))
        sentence = "Log in within 15 minutes, in the browser in which you asked for this:"
        send_link(user.email, "Log in", sentence, "people:open-magic", token)

    def form_valid(self, form):
        response = super().form_valid(form)
        tokens.remember_browser(self.request, response)
        return response


class AskForVerification(LoginRequiredMixin, RateLimitedMixin, View):
    """Sends the link that confirms the account's own address."""

    rate_limit_operation = "verify_email"
    http_method_names = ["post"]

    def get_rate_limit_account(self, request):
        return request.user.email

    def post(self, request):
        token = tokens.issue("email_verification", request.user)
        sentence = "Confirm that this address is yours, within an hour:"
        send_link(request.user.email, "Your address", sentence, "people:verify", token)
        messages.success(request, "A mail is on its way.")
        return redirect("people:account")
