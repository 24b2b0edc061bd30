"""A site with our middleware: pages that record, refuse, log in and out."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from bt_security import audit
from bt_security.ratelimit import rate_limited

MIDDLEWARE = [
    "bt_security.middleware.EdgeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bt_security.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


@csrf_exempt
@transaction.atomic
def refuse(request: HttpRequest) -> HttpResponse:
    """Record a refusal and undo everything."""
    audit.record("test.done")
    audit.record_refusal("test.done", reason="not_allowed")
    transaction.set_rollback(True)
    return HttpResponse(status=403)


async def refuse_later(request: HttpRequest) -> HttpResponse:
    """Do the same in an async view."""
    await sync_to_async(refuse)(request)
    return HttpResponse(status=403)


@csrf_exempt
def sign_in(request: HttpRequest) -> HttpResponse:
    """Log in by JSON-less form fields."""
    user = authenticate(
        request, username=request.POST["username"], password=request.POST["password"]
    )
    if user is None:
        return HttpResponse(status=401)
    login(request, user)
    return JsonResponse({"user": user.pk})


@csrf_exempt
def sign_out(request: HttpRequest) -> HttpResponse:
    """Log out."""
    logout(request)
    return HttpResponse(status=204)


@csrf_exempt
@rate_limited("login")
def limited(request: HttpRequest) -> HttpResponse:
    """Answer, a few times."""
    return HttpResponse()


def change(request: HttpRequest) -> HttpResponse:
    """Answer, to whoever has a CSRF token."""
    return HttpResponse()


urlpatterns = [
    path("refuse/", refuse),
    path("refuse-later/", refuse_later),
    path("sign-in/", sign_in),
    path("sign-out/", sign_out),
    path("login/", LoginView.as_view(), name="login"),
    path("limited/", limited),
    path("change/", change),
    path("security/", include("bt_security.urls")),
    path("admin/", admin.site.urls),
]
