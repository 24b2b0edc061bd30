"""The network: whose address a request has, and the one HTTP client of the package."""

from __future__ import annotations

from bt_security.exceptions import FetchFailed, FetchRefused
from bt_security.net.addresses import bucket, is_public, parse_address
from bt_security.net.client_ip import client_ip, has_untrusted_forwarding
from bt_security.net.safe_fetch import Response, asafe_fetch, safe_fetch

__all__ = [
    "FetchFailed",
    "FetchRefused",
    "Response",
    "asafe_fetch",
    "bucket",
    "client_ip",
    "has_untrusted_forwarding",
    "is_public",
    "parse_address",
    "safe_fetch",
]
