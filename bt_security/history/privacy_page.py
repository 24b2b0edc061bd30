"""The page "Privacy": what a user allows to be kept, and a button that deletes what was."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from bt_security import geo
from bt_security.history import privacy
from bt_security.history.privacy_views import OPERATION
from bt_security.ratelimit import rate_limited
from bt_security.sessions.acting import not_while_impersonating
from bt_security.web import no_store

TEMPLATE = "bt_security/account/privacy.html"
ERASE = "erase"
"""Value of the button `action` that deletes; every other POST stores the choice."""


@login_required
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limited(OPERATION)
def privacy_page(request: HttpRequest) -> HttpResponse:
    """Show the choice; a POST stores it, or deletes what is stored, and comes back here."""
    response = _changed(request) if request.method == "POST" else _shown(request)
    no_store(response)
    return response


def _shown(request: HttpRequest) -> HttpResponse:
    context = {
        "title": _("Privacy"),
        "geolocation_enabled": privacy.may_locate(_user(request)),
        "looks_up_places": geo.is_on(),
    }
    return TemplateResponse(request, TEMPLATE, context)


@not_while_impersonating
def _changed(request: HttpRequest) -> HttpResponse:
    if request.POST.get("action") == ERASE:
        count = privacy.erase_locations(_user(request))
        text = ngettext(
            "The place of %(count)d log-in was deleted.",
            "The places of %(count)d log-ins were deleted.",
            count,
        ) % {"count": count}
    else:
        enabled = "geolocation_enabled" in request.POST
        privacy.set_geolocation(_user(request), enabled=enabled)
        text = _("Your choice is stored.")
    messages.success(request, text, fail_silently=True)
    return HttpResponseRedirect(request.path)


def _user(request: HttpRequest) -> AbstractBaseUser:
    return cast(AbstractBaseUser, request.user)
