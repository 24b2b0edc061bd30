"""What the test suites of host projects need: a fixed key, and clients that send CSRF tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpHeaders, HttpRequest
from django.test import AsyncClient, Client
from django.test.runner import DiscoverRunner
from django.urls import reverse

from bt_security.crypto import sealing_key
from bt_security.keys import Keyring, current

_SECRET = b"bt_security.testing: not a secret, only for tests"


def use_fixed_key(secret: bytes = _SECRET) -> None:
    """Seal and open with one known key until `end_fixed_key`.

    The keys are then never read from the environment or the database, so `assertNumQueries`
    counts the same on every run, and a flushed key table makes no difference.
    """
    key = sealing_key("e2", secret)
    current.fix(
        Keyring(openers={key.prefix: key}, sealer=key, operator_key=key, opens_database_key=False)
    )


def end_fixed_key() -> None:
    """Go back to the keys of environment and database."""
    current.fix(None)


@contextmanager
def fixed_key(secret: bytes = _SECRET) -> Iterator[None]:
    """Use one known key inside a `with` block or a decorated test."""
    use_fixed_key(secret)
    try:
        yield
    finally:
        end_fixed_key()


class FixedKeyRunner(DiscoverRunner):
    """`TEST_RUNNER = "bt_security.testing.FixedKeyRunner"` runs a whole suite with a fixed key."""

    def setup_test_environment(self, **options: Any) -> None:
        """Prepare the environment, and fix the key."""
        super().setup_test_environment(**options)
        use_fixed_key()

    def teardown_test_environment(self, **options: Any) -> None:
        """Undo both."""
        end_fixed_key()
        super().teardown_test_environment(**options)


_OUR_HEADER = "x-csrf-token"
_OF_ONE_REQUEST = frozenset({"QUERY_PARAMS", "QUERY_STRING"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class CsrfClient(Client):
    """A test client that Django's CSRF checks apply to, and that sends a token as a browser would.

    It fetches the token before each changing request, from `token_path` or, if that is empty,
    from this package's `api/auth/csrf-token`. A token or `Origin` header that a test gives stays.
    """

    def __init__(self, *, token_path: str = "", **options: Any) -> None:
        super().__init__(**{"enforce_csrf_checks": True, **options})
        self.token_path = token_path

    def generic(
        self,
        method: str,
        path: Any,
        data: Any = "",
        content_type: str | None = "application/octet-stream",
        secure: bool = False,
        **extra: Any,
    ) -> Any:
        """Send a request of any method, with a token if it changes something."""
        if method not in _SAFE_METHODS:
            place = self.token_path or reverse("bt_security:csrf-token")
            answer = super().generic("GET", place, secure=secure, **_of_any_method(extra))
            extra = _with_token(extra, answer, answer.wsgi_request)
        return super().generic(method, path, data, content_type, secure, **extra)


class AsyncCsrfClient(AsyncClient):
    """`CsrfClient` for async tests: `await client.post(...)`."""

    def __init__(self, *, token_path: str = "", **options: Any) -> None:
        super().__init__(**{"enforce_csrf_checks": True, **options})
        self.token_path = token_path

    async def generic(
        self,
        method: str,
        path: Any,
        data: Any = "",
        content_type: str | None = "application/octet-stream",
        secure: bool = False,
        **extra: Any,
    ) -> Any:
        """Send a request of any method, with a token if it changes something."""
        if method not in _SAFE_METHODS:
            place = self.token_path or reverse("bt_security:csrf-token")
            answer = await super().generic("GET", place, secure=secure, **_of_any_method(extra))
            extra = _with_token(extra, answer, answer.asgi_request)
        return await super().generic(method, path, data, content_type, secure, **extra)


def _of_any_method(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return what also goes with the request for a token: host, address, headers."""
    return {name: value for name, value in extra.items() if name.upper() not in _OF_ONE_REQUEST}


def _with_token(extra: Mapping[str, Any], answer: Any, request: HttpRequest) -> dict[str, Any]:
    """Return the arguments of a request with token and origin added."""
    header = HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME) or settings.CSRF_HEADER_NAME
    given = dict(extra.get("headers") or {})
    named = {_header_name(name) for name in (*given, *extra)}
    added = {}
    if named.isdisjoint({_OUR_HEADER, _header_name(header)}):
        added[header] = answer.json()["csrf_token"]
    if "origin" not in named:
        added["Origin"] = request.build_absolute_uri("/").rstrip("/")
    return {**extra, "headers": {**added, **given}}


def _header_name(name: str) -> str:
    """Return a header's name in one form, however the client was given it."""
    return name.removeprefix("HTTP_").replace("_", "-").lower()
