"""The site of the alerts, with Django's own pages for passwords."""

from __future__ import annotations

from django.urls import include, path

from tests.history.alert_site import urlpatterns as of_alerts

urlpatterns = [*of_alerts, path("", include("django.contrib.auth.urls"))]
