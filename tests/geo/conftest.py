"""A provider for each test by itself, and a network of loopback servers."""

from __future__ import annotations

import contextlib

import pytest

from bt_security import geo
from bt_security.geo import asking, ip_api
from tests.net.loopback import Network, Server


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _provider_of_this_test():
    asking.forget()
    yield
    assert geo.drain(10)
    asking.forget()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def network(monkeypatch):
    """What ip-api.com is here: `Network.fetch` judges as `safe_fetch` does, and dials loopback."""
    network = Network()
    network.names |= {"ip-api.com": ["208.95.112.1"], "pro.ip-api.com": ["208.95.112.2"]}
    monkeypatch.setattr(ip_api, "safe_fetch", network.fetch)
    return network


@pytest.fixture
def serve(network):
    """Have every address of that network answer like this."""
    with contextlib.ExitStack() as stack:

        def start(*answers, tls=None):
            network.everywhere = stack.enter_context(Server(*answers, tls=tls))
            return network.everywhere

        yield start


@pytest.fixture
def free_plan(settings, serve):
    """Configure ip-api over plain HTTP, and return how to start its server."""
    settings.BT_SECURITY_GEO_PROVIDER = "ip-api"
    settings.BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = True
    return serve
