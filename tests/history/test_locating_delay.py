"""Whatever a provider does, the answer to a log-in does not wait for it."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import statistics
import time

import pytest

from bt_security import geo
from bt_security.history.privacy import set_geolocation
from bt_security.models import LoginEvent
from tests.history.conftest import browser, log_in, make_user
from tests.history.places import ADDRESS, NOWHERE, place_of
from tests.net.loopback import PUBLIC, Server, answer, read_request, redirect

pytestmark = [
    pytest.mark.once,
    pytest.mark.heavy,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("history_on"),
]

IS_FULL = os.environ.get("BT_TEST_SCALE") == "full"
PAIRS = 60 if IS_FULL else 3
BAND = 0.05 if IS_FULL else 2.0
HASHER = "bt_security.passwords.hashers.BCryptSHA256PasswordHasher"
HOST = "places.example.com"
WAIT_SECONDS = 20
TEN_MB = answer(b" " * 10_000_000)


def hang(connection):
    """Take the question and say nothing until the other side has gone."""
    read_request(connection)
    connection.recv(1)


def talk_without_end(connection):
    read_request(connection)
    with contextlib.suppress(OSError):
        connection.sendall(TEN_MB)


FAULTS = {
    "hangs": hang,
    "redirects": redirect("http://10.0.0.7/json"),
    "sends 10 MB": talk_without_end,
    "fails": answer(b"{}", status="500 Fault"),
    "breaks its JSON": answer(b'{"status": "success", "city": '),
}


class Dialled(list):
    """Addresses that were dialled; all of them lead to one server."""

    server: Server


@pytest.fixture
def dialled(monkeypatch):
    """Where this process connects to: the provider's name leads to a server on loopback."""
    real_connect, real_ask, tried = socket.create_connection, socket.getaddrinfo, Dialled()

    def ask(host, *more, **options):
        return real_ask(PUBLIC if host == HOST else host, *more, **options)

    def connect(target, *more, **options):
        tried.append(target[0])
        return real_connect(tried.server.address, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    monkeypatch.setattr(socket, "create_connection", connect)
    return tried


def timed_log_in(user):
    """Log in with a new browser, and return how long the answer took, in seconds."""
    client = browser(REMOTE_ADDR=ADDRESS)
    begin = time.perf_counter()
    found = log_in(client, user)
    seconds = time.perf_counter() - begin
    assert found.status_code == 302
    assert geo.drain(WAIT_SECONDS)
    return seconds


@pytest.mark.feature("BT-62")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_log_in_takes_as_long_as_without_a_provider(history_on, dialled, fault):
    """A log-in takes as long with a provider that hangs or fails as without one."""
    history_on.BT_SECURITY_GEO_IP_API_URL = f"http://{HOST}/json"
    history_on.BT_SECURITY_GEO_IP_API_ALLOW_PLAIN_HTTP = True
    if IS_FULL:  # as a site has it
        history_on.PASSWORD_HASHERS = [HASHER]
    user = make_user("mary")
    set_geolocation(user, enabled=True)
    seconds = {None: [], "ip-api": []}
    with Server(FAULTS[fault]) as dialled.server:
        timed_log_in(user)
        for _ in range(PAIRS):
            for provider in random.sample(list(seconds), 2):
                history_on.BT_SECURITY_GEO_PROVIDER = provider
                seconds[provider].append(timed_log_in(user))
    longer = statistics.median(b - a for a, b in zip(*seconds.values(), strict=True))
    without = statistics.median(seconds[None])
    assert longer <= BAND * without, f"{without * 1000:.2f} ms, {longer * 1000:+.2f} ms"
    assert dialled == [PUBLIC] * PAIRS
    assert [place_of(event) for event in LoginEvent.objects.all()] == [NOWHERE] * (2 * PAIRS + 1)
