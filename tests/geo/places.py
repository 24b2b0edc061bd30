"""Files and answers of providers, as tests need them."""

from __future__ import annotations

import json

import pytest
from django.utils.module_loading import import_string
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tests.net.loopback import answer

PUBLIC = "93.184.216.34"
PUBLIC_IPV6 = "2606:4700::1"

BERLIN = {
    "status": "success",
    "country": "Germany",
    "regionName": "State of Berlin",
    "city": "Berlin",
    "lat": 52.5167,
    "lon": 13.4,
    "isp": "Example Net",
}

BERLIN_RECORD = {
    "city": {"names": {"de": "Berlin (Stadt)", "en": "Berlin"}},
    "subdivisions": [{"names": {"en": "State of Berlin"}}, {"names": {"en": "Mitte"}}],
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
    "location": {"latitude": 52.5167, "longitude": 13.4, "accuracy_radius": 10},
}
ISP_RECORD = {"isp": "Example Net", "autonomous_system_organization": "EXAMPLE-AS"}


def says(content=BERLIN, *headers: str, status: str = "200 OK") -> bytes:
    """Return the bytes of an answer with this JSON."""
    return answer(json.dumps(content).encode(), *headers, status=status)


def maxmind_provider(**options):
    """Return a provider, where its package is installed."""
    pytest.importorskip("maxminddb")
    return import_string("bt_security.geo.maxmind.MaxMindProvider")(**options)


def write_database(path, records, *, ip_version=6):
    """Write an `.mmdb` file with a record for each network, and return its path as text."""
    writer = MMDBWriter(ip_version, "Test-City", ["en"], ipv4_compatible=ip_version == 6)
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return str(path)
