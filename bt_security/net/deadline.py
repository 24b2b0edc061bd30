"""A socket whose connecting, writing and reading together end at one moment."""

from __future__ import annotations

import io
import socket
import time
from typing import Any

from bt_security.types import Address


class Deadline:
    """A moment in the future; a server that sends byte by byte does not move it."""

    def __init__(self, timeout_seconds: float) -> None:
        self._at = time.monotonic() + timeout_seconds

    def remaining_seconds(self) -> float:
        """Return how long is left, more than 0.

        Raises:
            TimeoutError: nothing is left.
        """
        remaining = self._at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the deadline is over")
        return remaining


class DeadlineSocket:
    """The part of a connected socket that `http.client` uses; it leaves closing to the owner."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def sendall(self, content: bytes) -> None:
        """Send everything before the deadline."""
        unsent = memoryview(content)
        while unsent:
            self._connected.settimeout(self._deadline.remaining_seconds())
            unsent = unsent[self._connected.send(unsent) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a reader; only `mode` "rb" is asked for."""
        return io.BufferedReader(_Stream(self._connected, self._deadline))

    def close(self) -> None:
        """Do nothing: `http.client` closes before the body is read."""


class _Stream(io.RawIOBase):
    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._connected = connected
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connected.settimeout(self._deadline.remaining_seconds())
        return self._connected.recv_into(buffer)


def dial_address(address: Address, port: int, timeout_seconds: float) -> socket.socket:
    """Connect to exactly this address; proxy variables of the environment play no part."""
    return socket.create_connection((str(address), port), timeout=timeout_seconds)
