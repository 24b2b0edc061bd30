"""A site that gives the token under a route of its own."""

from __future__ import annotations

from django.http import JsonResponse
from django.middleware.csrf import get_token
from django.urls import path

from tests.csrf.site import change


def my_token(request):
    return JsonResponse({"csrf_token": get_token(request)})


urlpatterns = [path("change", change), path("my-token", my_token)]
