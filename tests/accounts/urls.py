"""The test site with the routes of the own account."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("security/", include("bt_security.accounts.urls"))]
