"""The tracker at the root, the account's pages, the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

admin.site.site_header = "Bill tracker"
admin.site.site_title = "Bill tracker"

urlpatterns = [
    path("", include("tracker.urls")),
    path("account/", include("people.urls")),
    path("security/", include("bt_security.urls")),
    path("admin/", admin.site.urls),
]
