"""The test site with the JSON endpoint of the audit log."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("security/", include("bt_security.audit.reading.urls"))]
