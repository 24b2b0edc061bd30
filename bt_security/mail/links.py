"""Addresses of pages of this site, as a mail needs them."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

from bt_security.conf import conf


def link_to(path: str, request: HttpRequest | None) -> str:
    """Return the whole address of a path of this site, "" where the site's own is not known.

    It begins with `BT_SECURITY_SITE_BASE_URL`. Where that is empty, with the scheme and host of the
    request, as `ALLOWED_HOSTS` lets them pass: then whoever sends the request chooses among those.
    """
    if conf.site.base_url:
        return _below(conf.site.base_url, path)
    if request is None:
        return ""
    try:
        return f"{request.scheme}://{request.get_host()}{path}"
    except DisallowedHost:
        return ""


def _below(base_url: str, path: str) -> str:
    """Put a path behind the address of the site, whose own path may be in it already."""
    scheme, host, folder, _, _ = urlsplit(base_url)
    folder = folder.rstrip("/")
    whole = path if path.startswith(f"{folder}/") else f"{folder}{path}"
    return urlunsplit((scheme, host, whole, "", ""))
