"""Paths of the login history and of privacy, relative to the one `include` of the package."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
