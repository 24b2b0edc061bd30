"""A process that serves one stack: `python -m benchmarks.request.worker STACK` on JSON lines.

It is called through `get_wsgi_application()`, without sockets. A request with another status than
200 (302 for a log-in) ends the run: a stack that refuses would look fast.
"""

from __future__ import annotations

import gc
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

from benchmarks.request.stacks import PASSWORD, STACKS, site_settings

Environ = dict[str, Any]
BODY = urlencode({"username": "reader", "password": PASSWORD}).encode()
CSRF_SECRET = "A" * 32
REQUESTS_PER_ADDRESS = 5


class Worker:
    """One site, migrated, with one user who is logged in."""

    def __init__(self, name: str) -> None:
        settings.configure(**site_settings(STACKS[name], json.loads(os.environ["BT_BENCH_SITE"])))
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        # Its views and its sessions need the models.
        self.site = import_module("benchmarks.request.site")
        self.user = self.site.make_user()
        self.application = get_wsgi_application()
        self.cookie = self.site.log_in(self.user)
        self.calls = 0

    def run(self, what: str, count: int) -> float:
        """Return the median seconds of `count` requests."""
        prepare: Callable[[], Environ] = getattr(self, what)
        seconds = []
        gc.collect()
        gc.disable()
        for _ in range(count):
            environ = prepare()
            started = time.perf_counter()
            self._call(environ)
            seconds.append(time.perf_counter() - started)
        gc.enable()
        return statistics.median(seconds)

    def log_in_often(self, sessions: int) -> None:
        """Bring the user to a number of sessions."""
        for _ in range(sessions):
            self.site.log_in(self.user)

    def page(self) -> Environ:
        return self._environ("GET", "/page/")

    def nonce(self) -> Environ:
        return self._environ("GET", "/nonce/")

    def read(self) -> Environ:
        return self._environ("GET", "/read/", cookie=self.cookie)

    def write(self) -> Environ:
        return self._environ("GET", "/write/", cookie=self.cookie)

    def limited(self) -> Environ:
        return self._environ("POST", "/limited/", body=b"x=1", address=self._next_address())

    def login(self) -> Environ:
        return self._environ("POST", "/login/", body=BODY, address=self._next_address())

    def _next_address(self) -> str:
        """Change the address before a limit is reached."""
        self.calls += 1
        number = self.calls // REQUESTS_PER_ADDRESS
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def _environ(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        cookie: str = "",
        address: str = "10.0.0.1",
    ) -> Environ:
        made: Environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "testserver",
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
            "REMOTE_ADDR": address,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
        }
        cookies = {settings.SESSION_COOKIE_NAME: cookie} if cookie else {}
        if body:
            made[settings.CSRF_HEADER_NAME] = CSRF_SECRET
            cookies[settings.CSRF_COOKIE_NAME] = CSRF_SECRET
        made["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return made

    def _call(self, environ: Environ) -> None:
        statuses = []
        answer = self.application(environ, lambda status, headers, _=None: statuses.append(status))
        body = b"".join(answer)
        answer.close()
        expected = "302" if environ["PATH_INFO"] == "/login/" else "200"
        if not statuses[0].startswith(expected):
            raise RuntimeError(f"{environ['PATH_INFO']}: {statuses[0]} {body[:400]!r}")


def main() -> None:
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints goes to the error stream
    worker = Worker(sys.argv[1])
    replies.write(json.dumps({"django": django.__version__}) + "\n")
    for line in sys.stdin:
        job = json.loads(line)
        if "sessions" in job:
            worker.log_in_often(job["sessions"])
            replies.write("{}\n")
        else:
            replies.write(json.dumps({"seconds": worker.run(**job)}) + "\n")


if __name__ == "__main__":
    main()
