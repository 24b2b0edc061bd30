"""The pages to log in, log out and change the password, and the log-in as JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.decorators import login_not_required, login_required
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.generic import TemplateView, View

from bt_security import web
from bt_security.accounts.log_in import INVALID_CREDENTIALS, LogInForm, log_in
from bt_security.passwords import restriction
from bt_security.ratelimit import RateLimitedMixin
from bt_security.sessions.acting import not_while_impersonating
from bt_security.web.admission import COOKIE
from bt_security.web.codes import RATE_LIMITED
from bt_security.web.views import ME, me

ACCOUNT = {**ME, "type": "object"}


class PrivateMixin(View):
    """Nobody may store what the view answers; stands left of the view's other base classes."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Let the view answer."""
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        web.no_store(response)
        return response


# Django's own decorators stand at the dispatch that comes after the count of the limit.
@method_decorator([login_not_required, sensitive_post_parameters(), csrf_protect], name="dispatch")
class LogInView(PrivateMixin, RateLimitedMixin, LoginView):
    """Django's log-in with a limit, for people.

    Whoever is logged in goes on at once. In single-user mode that is who has a session.
    """

    rate_limit_operation = "login"
    rate_limit_account = "username"
    template_name = "bt_security/account/login.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Prepare the view for one request."""
        super().setup(request, *args, **kwargs)
        self.redirect_authenticated_user = SESSION_KEY in request.session

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the title of the page."""
        context: dict[str, Any] = super().get_context_data(title=_("Log in"), **kwargs)
        return context

    def get_success_url(self) -> str:
        """Return where to go on: what was asked for, unless it is this page once more."""
        target: str = super().get_success_url()
        is_here = urlsplit(target).path == self.request.path
        return str(self.get_default_redirect_url()) if is_here else target


class LogOutView(PrivateMixin, LogoutView):
    """Ends the session by POST, lets the browser forget cached pages, and shows the log-in."""

    def get_default_redirect_url(self) -> str:
        """Return the site's `LOGOUT_REDIRECT_URL`, by default the page to log in."""
        if self.next_page or settings.LOGOUT_REDIRECT_URL:
            found: str = super().get_default_redirect_url()
            return found
        return reverse("bt_security:login")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Log out."""
        response: HttpResponse = super().post(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


@method_decorator(
    [login_required, sensitive_post_parameters(), csrf_protect, not_while_impersonating],
    name="dispatch",
)
class PasswordView(PrivateMixin, RateLimitedMixin, PasswordChangeView):
    """Changes the own password; the session goes on, and all others of the user end."""

    rate_limit_operation = "password_change"
    template_name = "bt_security/account/password.html"
    title = gettext_lazy("Change your password")
    success_url = reverse_lazy("bt_security:password-done")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add whether the user can do nothing else before."""
        has_to = restriction.is_marked(self.request)
        context: dict[str, Any] = super().get_context_data(has_to=has_to, **kwargs)
        return context


@method_decorator(login_required, name="dispatch")
class PasswordDoneView(PrivateMixin, TemplateView):
    """Says that the password is changed."""

    template_name = "bt_security/account/password_done.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the title of the page, and where to go on."""
        go_on = resolve_url(settings.LOGIN_REDIRECT_URL)
        title = _("Your password is changed")
        return super().get_context_data(title=title, go_on=go_on, **kwargs)


@web.endpoint(
    "POST",
    summary="Log in with name and password",
    form=LogInForm,
    answers={200: ACCOUNT},
    errors=(INVALID_CREDENTIALS, RATE_LIMITED),
    login="none",
)
@sensitive_variables()
def log_in_by_json(request: HttpRequest, form: LogInForm) -> object:
    """Log in, and return who that is, or 401 with one text for every reason.

    Raises:
        ApiError: 429.
    """
    entered = form.cleaned_data
    if log_in(request, username=entered["username"], password=entered["password"]) is not None:
        return me.view(request)
    # No error, which would undo a transaction of the request with what receivers have written.
    message, headers = _("Name or password is wrong."), {"WWW-Authenticate": COOKIE}
    return web.json_error(HTTPStatus.UNAUTHORIZED, INVALID_CREDENTIALS, message, headers=headers)
