"""`request.impersonator`: the operator who acts as the user of a request."""

from __future__ import annotations

from django.http import HttpRequest

from bt_security.accounts.impersonation import impersonator_of
from bt_security.conf import conf

_NAME = "impersonator"

_kinds: dict[str, type[HttpRequest]] = {}


def attach_impersonator(request: HttpRequest) -> None:
    """Give the request `impersonator`, the operator or None; looked up when a view asks for it.

    A property of its class, since a lazy object is never `None`.
    """
    if not conf.impersonation.enabled:
        request.impersonator = None  # type: ignore[attr-defined]
    elif not hasattr(type(request), _NAME):
        request.__class__ = _with_property(type(request))


def _with_property(kind: type[HttpRequest]) -> type[HttpRequest]:
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name not in _kinds:
        _kinds[name] = type(kind.__name__, (kind,), {_NAME: property(impersonator_of)})
    return _kinds[name]
