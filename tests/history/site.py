"""A site with every way to log in: Django's view, the admin, JSON, a form of its own, async."""

from __future__ import annotations

import json

from django.contrib import admin
from django.contrib.auth import aauthenticate, alogin, authenticate, login, logout
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

MIDDLEWARE = [
    "bt_security.middleware.EdgeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "bt_security.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


@csrf_exempt
def json_login(request: HttpRequest) -> HttpResponse:
    """Log in with JSON, as an API of the site's own does."""
    user = authenticate(request, **json.loads(request.body))
    if user is None:
        return JsonResponse({"error": "wrong"}, status=401)
    login(request, user)
    return JsonResponse({"user": user.pk})


@csrf_exempt
async def async_login(request: HttpRequest) -> HttpResponse:
    """Log in without blocking the event loop."""
    user = await aauthenticate(request, **json.loads(request.body))
    if user is None:
        return JsonResponse({"error": "wrong"}, status=401)
    await alogin(request, user)
    return JsonResponse({"user": user.pk})


@csrf_exempt
@transaction.atomic
def undone(request: HttpRequest) -> HttpResponse:
    """Log in, or fail to, and undo everything."""
    json_login(request)
    transaction.set_rollback(True)
    return HttpResponse(status=500)


@csrf_exempt
def sign_out(request: HttpRequest) -> HttpResponse:
    """Log out."""
    logout(request)
    return HttpResponse(status=204)


urlpatterns = [
    path("login/", LoginView.as_view(template_name="admin/login.html"), name="login"),
    path("json-login/", json_login),
    path("async-login/", async_login),
    path("undone/", undone),
    path("sign-out/", sign_out),
    path("change/", PasswordChangeView.as_view(success_url="/"), name="password_change"),
    path("accounts/profile/", lambda request: HttpResponse()),
    path("security/", include("bt_security.urls")),
    path("admin/", admin.site.urls),
]
