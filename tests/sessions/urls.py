"""A site with a view that says who is logged in."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.http import HttpResponse, JsonResponse
from django.urls import include, path

from bt_security import sessions


def who(request):
    return JsonResponse({"user": request.user.pk if request.user.is_authenticated else None})


async def who_async(request):
    user = await request.auser()
    return JsonResponse({"user": user.pk if user.is_authenticated else None})


def bare(request):
    """Reads the session as code does that knows no user object."""
    return JsonResponse({"user": request.session.get("_auth_user_id")})


def write(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse(request.session["count"])


def change_password(request):
    user = get_user_model().objects.get(pk=request.user.pk)
    user.set_password(request.POST["password"])
    user.save()
    update_session_auth_hash(request, user)
    return HttpResponse()


def promote(request):
    get_user_model().objects.filter(pk=request.user.pk).update(is_staff=True)
    sessions.rotate(request)
    return HttpResponse()


urlpatterns = [
    path("who/", who),
    path("who-async/", who_async),
    path("bare/", bare),
    path("write/", write),
    path("change-password/", change_password),
    path("promote/", promote),
    path("admin/", admin.site.urls),
    path("", include("bt_security.urls")),
]
