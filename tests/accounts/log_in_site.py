"""A site whose people log in at the package's own pages, or by JSON."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.backends import ModelBackend
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.debug import sensitive_variables

from bt_security.accounts import log_in_urls
from bt_security.csrf import urls as csrf_urls
from bt_security.sessions import urls as sessions_urls
from bt_security.web import urls as web_urls
from bt_security.web.openapi import document_path

LIMITED = "bt_security.ratelimit.LimitedBackend"
MODEL = "django.contrib.auth.backends.ModelBackend"
DOMAIN = "@example.com"


class ByFirstPart(ModelBackend):
    """Finds accounts by what stands before the domain of their address."""

    def authenticate(self, request, username=None, password=None, **_):
        return super().authenticate(request, username=f"{username}{DOMAIN}", password=password)


class Failing:
    """A backend with a fault in it, which keeps what it is given to itself as Django's does."""

    @sensitive_variables()
    def authenticate(self, request, username=None, password=None):
        raise RuntimeError("a fault of a backend")


def page(request):
    return HttpResponse(f"page of {request.user}")


patterns = [
    *web_urls.urlpatterns,
    *csrf_urls.urlpatterns,
    *sessions_urls.urlpatterns,
    *log_in_urls.urlpatterns,
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("page", page),
    path("welcome", page),
    path("goodbye", page),
    path("security/", include(([*patterns, document_path(patterns)], "bt_security"))),
]
