"""Views of a small site behind both middleware."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.contrib import admin
from django.http import HttpResponse, JsonResponse
from django.urls import path

from bt_security.exceptions import StoreUnavailable


def seen(request):
    return JsonResponse(
        {
            "id": request.bt_request_id,
            "secure": request.is_secure(),
            "forwarded_host": request.META.get("HTTP_X_FORWARDED_HOST", ""),
        }
    )


async def seen_async(request):
    return seen(request)


def static_page(request):
    return HttpResponse("the same for all")


def own_id(request):
    return HttpResponse(headers={"X-Request-ID": "chosen-by-the-view"})


def away(request):
    raise StoreUnavailable("the session store does not answer")


async def away_async(request):
    raise StoreUnavailable("the session store does not answer")


def broken(request):
    raise RuntimeError("a fault of the site")


def whoami(request):
    return JsonResponse({"name": request.user.get_username()})


async def whoami_async(request):
    user = await request.auser()
    return JsonResponse({"name": user.get_username()})


async def whoami_twice(request):
    user = await request.auser()
    again = await sync_to_async(request.user.get_username)()
    return JsonResponse({"name": user.get_username(), "again": again})


urlpatterns = [
    path("seen", seen),
    path("seen-async", seen_async),
    path("static", static_page),
    path("own-id", own_id),
    path("away", away),
    path("away-async", away_async),
    path("broken", broken),
    path("whoami", whoami),
    path("whoami-async", whoami_async),
    path("whoami-twice", whoami_twice),
    path("admin/", admin.site.urls),
]


class StoreIsAway:
    """A middleware that fails while it saves, as Django's does with a store that is away."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        self.get_response(request)
        raise StoreUnavailable("the session store does not answer")
