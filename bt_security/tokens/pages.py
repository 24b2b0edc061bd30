"""The page behind a link in a mail: opening it does nothing, its button does."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.generic import View

from bt_security import web
from bt_security.exceptions import TokenRefused
from bt_security.tokens.addresses import cut_query
from bt_security.tokens.claims import Claim
from bt_security.tokens.signed import peek

TOKEN_FIELD = "token"  # noqa: S105 - the name of a parameter
REFERRER_POLICY = "strict-origin"
"""Sends no path. With `no-referrer` browsers send `Origin: null`, which the CSRF check refuses."""


@method_decorator(
    [sensitive_post_parameters(), csrf_protect, sensitive_variables()], name="dispatch"
)
class ConfirmTokenView(View):
    """Shows a form for the token in `?token=…`, and acts when that form is sent.

    A subclass sets `purpose` and overrides `act`. GET and HEAD judge the token and change
    nothing, so a scanner that follows links does no harm; POST checks the form first, if there is
    one, then uses the token up and acts, in one transaction. The form is sent to the same address
    without the token.
    """

    http_method_names = ("get", "head", "post", "options")
    purpose: str
    form_class: type[forms.BaseForm] | None = None
    template_name = "bt_security/token_confirm.html"
    success_url = "/"
    title: str | Promise = _("Confirm")
    text: str | Promise = ""
    button: str | Promise = _("Continue")
    refused_status = 400
    refused_text: str | Promise = _("This link is not valid, or no longer. Ask for a new one.")

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view; `LoginRequiredMiddleware` lets everybody in, whatever is mixed in."""
        return login_not_required(super().as_view(**initkwargs))

    def act(self, claim: Claim, form: forms.BaseForm | None) -> HttpResponse | None:
        """Make the change; the token is used up, and comes back if this raises.

        Returns the answer, or None to go on to `success_url`.
        """
        raise NotImplementedError

    def get_form(self, claim: Claim, data: Any = None) -> forms.BaseForm | None:
        """Return the form with the fields that are needed besides the token, None for none."""
        return None if self.form_class is None else self.form_class(data=data)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show what the link is for."""
        token = _take_token(request)
        try:
            claim = peek(self.purpose, token, request=request)
        except TokenRefused:
            return self._refused()
        return self._page(token=token, form=self.get_form(claim))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Check the form, then use the token up and act."""
        # Browsers that know no policy send the address of the page, and error mails quote it.
        request.META.pop("HTTP_REFERER", None)
        token = request.POST.get(TOKEN_FIELD, "")
        try:
            claim = peek(self.purpose, token, request=request)
            form = self.get_form(claim, request.POST)
            if form is not None and not form.is_valid():
                return self._page(token=token, form=form)
            with claim.consuming():
                answer = self.act(claim, form)
        except TokenRefused:
            return self._refused()
        return self._hidden(answer or HttpResponseRedirect(self.success_url))

    def _page(self, *, token: str, form: forms.BaseForm | None) -> HttpResponse:
        context = {
            "title": self.title,
            "text": self.text,
            "button": self.button,
            "token": token,
            "form": form,
        }
        return self._hidden(TemplateResponse(self.request, self.template_name, context))

    def _refused(self) -> HttpResponse:
        context = {"title": self.title, "text": self.refused_text, "token": ""}
        response = TemplateResponse(
            self.request, self.template_name, context, status=self.refused_status
        )
        return self._hidden(response)

    def _hidden(self, response: HttpResponse) -> HttpResponse:
        web.no_store(response)
        response.headers["Referrer-Policy"] = REFERRER_POLICY
        return response


def _take_token(request: HttpRequest) -> str:
    """Return the token of the address and cut the query off: error mails quote the address."""
    token = request.GET.get(TOKEN_FIELD, "")
    cut_query(request)
    return token
