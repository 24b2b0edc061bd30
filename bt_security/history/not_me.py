"""The page behind "this was not me" in a mail about a log-in, and the one that comes after it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from bt_security import web
from bt_security.history.alerts import EVENT, PURPOSE
from bt_security.history.disowning import disown, ends_sessions
from bt_security.passwords.enforcement import change_path, faults
from bt_security.ratelimit import RateLimitedMixin
from bt_security.tokens import Claim, ConfirmTokenView

RESET_NAME = "password_reset"
"""The name that `django.contrib.auth.urls` gives to the page that asks for a reset mail."""

WHAT_IS_ENDED = _(
    "Somebody has logged in to your account, or knew its password. If it was not you, press the "
    "button. The account is then logged out everywhere. API tokens and addresses of feeds that "
    "were made since then stop working, and browsers that came since then are not known any more."
)
WHAT_IS_LEFT = _(
    "Somebody has logged in to your account, or knew its password. If it was not you, press the "
    "button, and then change your password: that logs the others out."
)


class NotMeView(RateLimitedMixin, ConfirmTokenView):
    """Asks, and by its button ends what the log-in can reach; nobody has to be logged in for it."""

    purpose = PURPOSE
    rate_limit_operation = "auth"
    template_name = "bt_security/account/not_me.html"
    success_url: Any = reverse_lazy("bt_security:account-not-me-done")
    title = _("This was not me")
    button = _("This was not me")
    refused_text = _(
        "This link is not valid, or no longer: each is good once. If you know nothing of a log-in "
        "to your account, change your password now."
    )

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Prepare the view for one request."""
        super().setup(request, *args, **kwargs)
        self.text = WHAT_IS_ENDED if ends_sessions() else WHAT_IS_LEFT

    def act(self, claim: Claim, form: forms.BaseForm | None) -> None:
        """Disown the log-in."""
        found = claim.data.get(EVENT)
        disown(claim.user, UUID(found) if found else None)


@login_not_required
@require_safe
def not_me_done(request: HttpRequest) -> HttpResponse:
    """Say what comes next: the log-in, and another password."""
    context = {
        "title": _("Thank you"),
        "ends_sessions": ends_sessions(),
        "is_led_to_change": not faults(),
        "log_in_url": _log_in_url(),
        "reset_url": _reset_url(),
    }
    response = render(request, "bt_security/account/not_me_done.html", context)
    web.no_store(response)
    return response


def _log_in_url() -> str:
    """Return where to log in and go on to the change of the password, "" if it is unknown."""
    try:
        return redirect_to_login(change_path()).url
    except NoReverseMatch:
        return ""


def _reset_url() -> str:
    try:
        return reverse(RESET_NAME)
    except NoReverseMatch:
        return ""
