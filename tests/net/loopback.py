"""Real servers on loopback that answer with given bytes, and a fetch that reaches them.

Public looking names and addresses are judged as they are and dialled to loopback.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable

from bt_security.net.deadline import Deadline
from bt_security.net.safe_fetch import Fetch

PUBLIC = "93.184.216.34"
OTHER_PUBLIC = "8.8.4.4"
Script = Callable[[socket.socket], None]


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def redirect(location: str, status: int = 302) -> bytes:
    return answer(b"", f"Location: {location}", status=f"{status} Moved")


class Server:
    """Gives each connection the next of `answers`, the last of them again and again."""

    def __init__(self, *answers: bytes | Script, tls: ssl.SSLContext | None = None) -> None:
        self.answers = list(answers)
        self.requests: list[bytes] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self._converse(connection)

    def _converse(self, plain: socket.socket) -> None:
        connection = plain
        plain.settimeout(10)
        if self._tls is not None:
            connection = self._tls.wrap_socket(plain, server_side=True)
        with connection:
            script = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if callable(script):
                script(connection)
            else:
                self.requests.append(read_request(connection))
                connection.sendall(script)


def read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length and len(body) < int(length[1]):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


class Network:
    """What the name server says, where addresses lead, and what was asked and dialled."""

    def __init__(self) -> None:
        self.names = {"files.example.com": [PUBLIC], "other.example.com": [OTHER_PUBLIC]}
        self.servers: dict[str, Server] = {}
        self.everywhere: Server | None = None
        self.asked: list[str] = []
        self.dialled: list[str] = []

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.names:
            raise socket.gaierror("no such name")
        return self.names[host]

    def dial(self, address: object, port: int, timeout_seconds: float) -> socket.socket:
        self.dialled.append(str(address))
        server = self.servers.get(str(address), self.everywhere)
        if server is None:
            raise ConnectionRefusedError
        return socket.create_connection(server.address, timeout=timeout_seconds)

    def fetch(self, url: str, *, timeout_seconds: float = 10.0, **options):
        options = {"resolve": self.resolve, "dial": self.dial, **options}
        return Fetch(url=url, deadline=Deadline(timeout_seconds), **options).run()
