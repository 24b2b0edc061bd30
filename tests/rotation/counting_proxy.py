"""A proxy between a client process and its database server that counts statements going by."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable

LONGEST_STATEMENT_START = 64


class CountingProxy:
    """Listens on a loopback port, passes bytes both ways, and calls `seen` per statement.

    `watched` are the beginnings of statements as they stand in the client's messages. `seen` is
    called with the statement when the server has answered it, or before the server gets it if
    the statement is in `held`; returning True cuts the connections.
    """

    def __init__(
        self,
        server: tuple[str, int],
        watched: list[bytes],
        seen: Callable[[bytes], bool],
        *,
        held: tuple[bytes, ...] = (),
    ) -> None:
        self._server = server
        self._watched = watched
        self._seen = seen
        self._held = held
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(timeout=10)
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            thread = threading.Thread(target=self._pass_on, args=(client, server), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        waiting: list[bytes] = []
        tail = b""
        with client, server, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    source = key.fileobj
                    try:
                        data = source.recv(65536)
                    except ConnectionError:
                        return
                    if not data:
                        return
                    if source is server:
                        for statement in waiting:
                            if self._seen(statement):
                                return
                        waiting.clear()
                        client.sendall(data)
                        continue
                    found = self._statements(tail, data)
                    tail = (tail + data)[-LONGEST_STATEMENT_START:]
                    for statement in found:
                        if statement in self._held and self._seen(statement):
                            return
                    waiting += [one for one in found if one not in self._held]
                    server.sendall(data)

    def _statements(self, tail: bytes, data: bytes) -> list[bytes]:
        found = []
        for statement in self._watched:
            new = (tail + data).count(statement) - tail.count(statement)
            found += [statement] * new
        return found
