"""Views that set, keep and end what the two cookies stand for."""

from __future__ import annotations

from django.contrib.auth import logout
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import path


def start(request):
    """Begin a session and show a form."""
    request.session["seen"] = True
    get_token(request)
    return HttpResponse()


def look(request):
    return HttpResponse(str(request.session.get("seen", "")))


def plain(request):
    return HttpResponse("reads neither session nor token")


def end(request):
    logout(request)
    return HttpResponse()


def until_closed(request):
    request.session.set_expiry(0)
    return HttpResponse()


urlpatterns = [
    path("start", start),
    path("look", look),
    path("plain", plain),
    path("end", end),
    path("until-closed", until_closed),
    path("log-in", LoginView.as_view(template_name="cookies/log_in.html"), name="login"),
]
