"""URLs of the features that are on: `path("security/", include("bt_security.urls"))`.

The names are in the namespace `bt_security`. Read once, when Django loads the site's URLs.
"""

from __future__ import annotations

from importlib import import_module

from django.urls import URLPattern

from bt_security.conf import conf
from bt_security.web import urls as web_urls
from bt_security.web.openapi import document_path

FEATURE_URLS = {
    "bt_security.headers.urls": ("headers",),
    "bt_security.csrf.urls": ("csrf",),
    "bt_security.sessions.urls": ("sessions",),
    "bt_security.devices.urls": ("sessions",),
    "bt_security.accounts.urls": ("sessions",),
    "bt_security.accounts.log_in_urls": ("accounts",),
    "bt_security.audit.reading.urls": ("audit",),
    "bt_security.history.urls": ("history",),
}
"""Where patterns are, and the features that bring them."""

app_name = "bt_security"


def feature_patterns() -> list[URLPattern]:
    """Return the patterns of all features that are on."""
    patterns: list[URLPattern] = []
    for place, features in FEATURE_URLS.items():
        if any(feature in conf.features for feature in features):
            patterns += import_module(place).urlpatterns
    return patterns


_patterns = [*web_urls.urlpatterns, *feature_patterns()]
urlpatterns = [*_patterns, document_path(_patterns)]
