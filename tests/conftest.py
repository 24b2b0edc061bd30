"""Rules of every run: which tests a pass takes, a closed network, no silent skip."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest_plugins = ["tests.browser"]

SERVER_URLS = {"postgres": "BT_TEST_POSTGRES_URL", "mysql": "BT_TEST_MYSQL_URL"}
REDIS_URL = "BT_TEST_REDIS_URL"
DATABASE = os.environ.get("BT_TEST_DATABASE", "sqlite")


class NetworkClosed(RuntimeError):
    """A test tried to leave this machine."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of this pass, and mark those whose server nobody gave as skipped."""
    others = [item for item in items if not _is_of_this_pass(_mark_names(item))]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if _is_of_this_pass(_mark_names(item))]
    for item in items:
        if missing := _missing_url(_mark_names(item)):
            item.add_marker(pytest.mark.skip(reason=f"{missing} is not given"))


def _mark_names(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


def _is_of_this_pass(marks: set[str]) -> bool:
    if "soak" in marks and os.environ.get("BT_TEST_SCALE") != "full":
        return False
    if servers := marks & SERVER_URLS.keys():
        has_own_pass = any(os.environ.get(SERVER_URLS[server]) for server in servers)
        return DATABASE in servers or (DATABASE == "sqlite" and not has_own_pass)
    return DATABASE == "sqlite" or "once" not in marks


def _missing_url(marks: set[str]) -> str:
    """Name the variable without which a test of this pass cannot run."""
    servers = marks & SERVER_URLS.keys()
    if servers and DATABASE not in servers:
        return " or ".join(sorted(SERVER_URLS[server] for server in servers))
    if "redis" in marks and not os.environ.get(REDIS_URL):
        return REDIS_URL
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Turn a skipped test into a failed one where everything is required."""
    report = yield
    return _refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """Do the same for a module that skips itself."""
    report = yield
    return _refuse_skip(report)


def _refuse_skip(report: Any) -> Any:
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("BT_TEST_REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"skipped although BT_TEST_REQUIRE_ALL is set: {report.longrepr[2]}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Iterator[None]:
    """Let Python's sockets reach loopback addresses and Unix sockets only."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _loopback_only(getattr(socket.socket, name)))
        yield


def _loopback_only(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(sock: socket.socket, address: Any) -> Any:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            sock.close()
            raise NetworkClosed(address[0])
        return method(sock, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture
def child_environment() -> dict[str, str]:
    """Environment of a child process that works on this run's test databases."""
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "BT_TEST_CHILD": "1"}
