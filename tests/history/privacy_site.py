"""A site with the addresses of privacy, of acting as somebody else, and of nothing besides."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import include, path

from bt_security.accounts import urls as accounts_urls
from bt_security.csrf import urls as csrf_urls
from bt_security.history import urls as history_urls
from bt_security.web.openapi import document_path
from tests.history.site import MIDDLEWARE

__all__ = ["MIDDLEWARE"]

own = [*history_urls.urlpatterns, *accounts_urls.urlpatterns, *csrf_urls.urlpatterns]
urlpatterns = [
    path("", include(([*own, document_path(own)], "bt_security"))),
    path("log-in/", lambda request: HttpResponse("log in"), name="login"),
]
