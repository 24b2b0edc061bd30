"""Where reports of the content security policy go."""

from __future__ import annotations

from django.urls import path

from bt_security.headers.views import csp_report

urlpatterns = [path("csp-report", csp_report, name="csp-report")]
