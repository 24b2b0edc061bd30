"""Runs in a fresh project's shell and prints, as JSON, what visitors and Django's signals see."""

from __future__ import annotations

import json

from django.conf import settings
from django.contrib.auth import signals as auth_signals
from django.core import signals as core_signals
from django.db import connection
from django.db.backends import signals as backend_signals
from django.db.models import signals as model_signals
from django.dispatch import Signal
from django.test import Client
from django.test.utils import CaptureQueriesContext

PATHS = ("/", "/admin/login/", "/missing")
SIGNAL_MODULES = (auth_signals, core_signals, backend_signals, model_signals)


def seen_by_visitor(path: str) -> dict[str, object]:
    with CaptureQueriesContext(connection) as queries:
        response = Client(SERVER_NAME="localhost").get(path)
    response.headers.pop("Expires", None)  # the time of the answer
    return {
        "status": response.status_code,
        "headers": sorted(response.headers.items()),
        "cookies": sorted(response.cookies),
        "queries": len(queries),
    }


def receiver_counts() -> dict[str, int]:
    return {
        f"{module.__name__}.{name}": len(signal.receivers)
        for module in SIGNAL_MODULES
        for name, signal in vars(module).items()
        if isinstance(signal, Signal)
    }


found = {
    "pages": {path: seen_by_visitor(path) for path in PATHS},
    "receivers": receiver_counts(),
    "middleware": settings.MIDDLEWARE,
}
print(json.dumps(found))
