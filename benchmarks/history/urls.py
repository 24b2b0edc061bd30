"""The pages of the measured site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("security/", include("bt_security.urls")),
]
