"""The nonce of a response: made when a template first asks for it."""

from __future__ import annotations

import secrets
from functools import partial
from typing import NoReturn

from csp.exceptions import CSPNonceError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject, empty

NONCE_BYTES = 16


class Nonce(SimpleLazyObject):  # type: ignore[type-arg] # generic in the stubs only
    """A text that does not exist before somebody reads it, and is false until then."""

    def __bool__(self) -> bool:
        return self.__dict__["_wrapped"] is not empty


def offer_nonce(request: HttpRequest) -> None:
    """Give the request a nonce that nobody has read yet.

    django-csp's templates and views find it as `request.csp_nonce`; Django's own template tag
    looks at `request._csp_nonce`.
    """
    nonce = Nonce(partial(_make_nonce, request))
    vars(request).update(csp_nonce=nonce, _csp_nonce=nonce)


def taken_nonce(request: HttpRequest) -> str:
    """Return the nonce that the response used, "" if it used none; afterwards none can be made."""
    nonce = vars(request).get("csp_nonce")
    if not isinstance(nonce, Nonce):
        return ""
    # The header is about to be written, so a nonce that is first read later (in a streamed body)
    # would not be in it. This also ends the circle of request and nonce.
    nonce.__dict__["_setupfunc"] = _refuse
    return str(nonce) if nonce else ""


def _make_nonce(request: HttpRequest) -> str:
    # Django's cache middleware asks for this before it stores a page; the page would be served
    # again with a nonce that no later header names.
    vars(request)["_cache_update_cache"] = False
    return secrets.token_urlsafe(NONCE_BYTES)


def _refuse() -> NoReturn:
    raise CSPNonceError(
        "The nonce was first read after the headers were written. Read it in the view, before "
        "the body is streamed."
    )
