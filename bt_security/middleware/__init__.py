"""The two lines for `MIDDLEWARE`; a settings file may import this before the apps are ready."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bt_security.middleware.account import AccountMiddleware
    from bt_security.middleware.edge import EdgeMiddleware

__all__ = ["AccountMiddleware", "EdgeMiddleware"]

_PLACES = {
    "AccountMiddleware": "bt_security.middleware.account",
    "EdgeMiddleware": "bt_security.middleware.edge",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
