"""The limiters that a measured view may have: none, django-ratelimit's, ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django_ratelimit.decorators import ratelimit

from bt_security import decorators

View = Callable[..., HttpResponse]


def none(view: View) -> View:
    return view


def django_ratelimit(view: View) -> Any:
    return ratelimit(key="ip", rate="100/m", method="POST")(view)


def ours(view: View) -> Any:
    return decorators.rate_limited("bench")(view)
