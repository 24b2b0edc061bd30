"""The decorators of the package in one place; each loads its feature when it is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bt_security.ratelimit import rate_limited
    from bt_security.sessions.acting import not_while_impersonating
    from bt_security.tokens import api_token_required

__all__ = ["api_token_required", "not_while_impersonating", "rate_limited"]

_HOMES = {
    "api_token_required": "bt_security.tokens",
    "not_while_impersonating": "bt_security.sessions.acting",
    "rate_limited": "bt_security.ratelimit",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
