"""A network of loopback servers."""

from __future__ import annotations

import contextlib

import pytest

from tests.net.loopback import Network, Server


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def serve(network):
    """Start a server for one address, or for all that have none."""
    with contextlib.ExitStack() as stack:

        def start(*answers, at=None, tls=None):
            server = stack.enter_context(Server(*answers, tls=tls))
            if at is None:
                network.everywhere = server
            else:
                network.servers[at] = server
            return server

        yield start
