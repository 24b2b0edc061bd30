"""The request as the surroundings of its entries, for the outer middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from bt_security.audit.pending import store_waiting
from bt_security.audit.scopes import in_request


@contextmanager
def around(request: HttpRequest) -> Iterator[None]:
    """Attribute the entries of this block to the request, and store its refusals at the end."""
    with in_request(request) as scope:
        try:
            yield
        finally:
            if scope.pending:
                store_waiting()


@asynccontextmanager
async def around_later(request: HttpRequest) -> AsyncIterator[None]:
    """Do what `around` does without blocking the event loop."""
    with in_request(request) as scope:
        try:
            yield
        finally:
            if scope.pending:
                await sync_to_async(store_waiting)()
