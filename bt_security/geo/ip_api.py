"""Asks ip-api.com, or a service that answers as it does.

Source: https://ip-api.com/docs/api:json
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.exceptions import FetchFailed, FetchRefused, LocationUnavailable
from bt_security.geo.location import Location
from bt_security.net import Response, safe_fetch

FIELDS = "status,country,regionName,city,lat,lon,isp"
MAX_RESPONSE_BYTES = 16_384
OK = 200
TOO_MANY_REQUESTS = 429

QUOTA_WAIT_SECONDS = 60
"""The window of the free plan, where the service does not say how much of it is left."""

MAX_QUOTA_WAIT_SECONDS = 3_600


class IpApiProvider:
    """One request for each address: HTTPS, or plain HTTP where the settings allow that."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asks_again_at: float | None = None

    @sensitive_variables()
    def lookup(self, address: str) -> Location | None:
        """Return where an address is, None if the service does not know.

        Raises:
            LocationUnavailable: no usable answer, the quota is used up, or plain HTTP is not
                allowed.
        """
        self._judge_quota()
        answer = _fetched(address)
        self._note_quota(answer)
        if answer.status != OK:
            raise LocationUnavailable(f"status {answer.status}")
        return _location(answer)

    def _judge_quota(self) -> None:
        left = 0.0 if self._asks_again_at is None else self._asks_again_at - self._clock()
        if left > 0:
            raise LocationUnavailable("the quota is used up", retry_after_seconds=left)

    def _note_quota(self, answer: Response) -> None:
        """Do as the service asks: no request after the last one of a window until the next."""
        is_refused = answer.status == TOO_MANY_REQUESTS
        if not is_refused and _number(answer, "x-rl") != 0:
            return
        seconds = _number(answer, "x-ttl")
        wait = QUOTA_WAIT_SECONDS if seconds is None else seconds
        self._asks_again_at = self._clock() + min(max(wait, 1), MAX_QUOTA_WAIT_SECONDS)
        if is_refused:
            self._judge_quota()


@sensitive_variables()
def _fetched(address: str) -> Response:
    base = conf.geo.ip_api_base_url()
    if not base.lower().startswith("https://") and not conf.geo.ip_api_allow_plain_http:
        raise LocationUnavailable("plain HTTP is not allowed")
    key = conf.geo.ip_api_key
    query = urlencode({"fields": FIELDS} | ({"key": key} if key else {}))
    try:
        return safe_fetch(
            f"{base}/{quote(address, safe=':')}?{query}",
            headers={"Accept": "application/json"},
            timeout_seconds=conf.geo.timeout_seconds,
            max_response_bytes=MAX_RESPONSE_BYTES,
            max_redirects=0,
        )
    except (FetchFailed, FetchRefused) as error:
        raise LocationUnavailable(str(error)) from None


@sensitive_variables()
def _location(answer: Response) -> Location | None:
    try:
        content: Any = answer.json()
    except FetchFailed as error:
        raise LocationUnavailable(str(error)) from None
    status = content.get("status") if isinstance(content, dict) else None
    if status == "fail":
        return None
    if status != "success":
        raise LocationUnavailable("the answer has no status")
    try:
        return Location(
            city=content.get("city", ""),
            region=content.get("regionName", ""),
            country=content.get("country", ""),
            isp=content.get("isp", ""),
            latitude=content.get("lat"),
            longitude=content.get("lon"),
        )
    except (TypeError, ValueError) as error:
        raise LocationUnavailable(str(error)) from None


def _number(answer: Response, header: str) -> int | None:
    text = answer.headers.get(header, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
