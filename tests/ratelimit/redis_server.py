"""A Redis server of the test's own, that it may stop and start again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as ServerAway

STARTUP_SECONDS = 20


class OwnServer:
    """redis-server on a free port of this machine, without files."""

    def __init__(self):
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis.from_url(self.url)
        self._process = None

    def start(self):
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", "/tmp"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        give_up = time.monotonic() + STARTUP_SECONDS
        while not self._answers():
            assert time.monotonic() < give_up
            time.sleep(0.01)

    def stop(self):
        self._process.kill()
        self._process.wait()

    @contextmanager
    def hanging(self):
        """Keep every connection open and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def close(self):
        self.client.close()
        if self._process is not None and self._process.poll() is None:
            self.stop()

    def _answers(self):
        try:
            return self.client.ping()
        except ServerAway:
            return False
