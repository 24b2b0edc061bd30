"""The measured site: its views, its user, its log-in. Loaded after the settings are there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from benchmarks.request.stacks import PASSWORD

TEXT = ("<p>hello</p>" * 170).encode()
BACKEND = "django.contrib.auth.backends.ModelBackend"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(TEXT)


def nonce(request: HttpRequest) -> HttpResponse:
    found = import_string(settings.BENCH_NONCE)(request)
    return HttpResponse(b"<script nonce=%s>" % str(found).encode() + TEXT)


def csp_nonce(request: Any) -> str:
    """Return the nonce where django-csp and this package put it."""
    return str(request.csp_nonce)


def read(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated
    return HttpResponse(TEXT)


def write(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse(TEXT)


def make_user() -> AbstractBaseUser:
    return get_user_model().objects.create_user(username="reader", password=PASSWORD)


def log_in(user: AbstractBaseUser) -> str:
    """Make a session of the stack's engine and return what its cookie holds."""
    request = HttpRequest()
    request.META.update(REMOTE_ADDR="10.0.0.1", SERVER_NAME="testserver", SERVER_PORT="80")
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    login(request, user, backend=BACKEND)
    request.session["pad"] = "p" * 200
    request.session.save()
    return str(request.session.session_key)


urlpatterns = [
    path("page/", page),
    path("nonce/", nonce),
    path("read/", read),
    path("write/", write),
    path("login/", csrf_exempt(import_string(settings.BENCH_LIMIT)(LoginView.as_view()))),
    path("limited/", csrf_exempt(import_string(settings.BENCH_LIMIT)(page))),
]
