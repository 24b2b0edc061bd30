"""A site with the addresses of the login history, of sessions and of acting as somebody else."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import include, path

from bt_security.accounts import urls as accounts_urls
from bt_security.csrf import urls as csrf_urls
from bt_security.history import urls as history_urls
from bt_security.sessions import urls as sessions_urls
from bt_security.web.openapi import document_path

own = [
    *history_urls.urlpatterns,
    *sessions_urls.urlpatterns,
    *accounts_urls.urlpatterns,
    *csrf_urls.urlpatterns,
]
urlpatterns = [
    path("", include(([*own, document_path(own)], "bt_security"))),
    path("log-in/", lambda request: HttpResponse("log in"), name="login"),
    path("static/bt_security/account.css", lambda request: HttpResponse(content_type="text/css")),
]
