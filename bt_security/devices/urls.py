"""Paths of the own devices, relative to the one `include` of the package."""

from __future__ import annotations

from bt_security.devices.views import list_devices, revoke_device
from bt_security.web import api_path

urlpatterns = [
    api_path("api/devices", list_devices, name="devices"),
    api_path("api/devices/<uuid:uuid>", revoke_device, name="device"),
]
