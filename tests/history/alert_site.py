"""A site that sends mails about log-ins, with pages to log in and change a password."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import include, path

from bt_security.accounts import log_in_urls
from bt_security.csrf import urls as csrf_urls
from bt_security.history import urls as history_urls
from tests.history.site import urlpatterns as of_every_log_in


def page(request):
    return HttpResponse(f"page of {request.user}")


own = [*csrf_urls.urlpatterns, *history_urls.urlpatterns, *log_in_urls.urlpatterns]

urlpatterns = [
    path("own/", include((own, "bt_security"))),
    path("page", page),
    *(pattern for pattern in of_every_log_in if str(pattern.pattern) != "security/"),
]
