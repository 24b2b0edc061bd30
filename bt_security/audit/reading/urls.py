"""Path of the audit log, relative to the one `include` of the package."""

from __future__ import annotations

from bt_security.audit.reading.views import list_entries
from bt_security.web import api_path

urlpatterns = [api_path("api/audit-log", list_entries, name="audit-log")]
