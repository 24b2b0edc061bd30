"""First pages of few and of many events of a user, templates included, beside Django's own list."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from benchmarks.encryption.tables import empty
from benchmarks.history.filling import fill, person, tidy
from benchmarks.history.floors.models import PlainEvent
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result
from bt_security.models import LoginEvent

FEWER = 100
"""The smaller size is this part of the larger one."""

BACKEND = "django.contrib.auth.backends.ModelBackend"
PAIRS = 4
"""Pairs for each repeat that was asked for: a page takes a few milliseconds."""

AT_MOST, FLAT = 3.0, 1.3


def run(options: Options) -> Result:
    many = max(20, options.large_rows // 10)
    few = max(1, many // FEWER)
    empty(LoginEvent, PlainEvent)
    people = [person(name, is_staff=True, is_superuser=True) for name in ("few", "many")]
    for user, count in zip(people, (few, many), strict=True):
        for model in (LoginEvent, PlainEvent):
            fill(model, user, count)
    tidy(LoginEvent, PlainEvent)
    of_few, of_many = (logged_in(user) for user in people)
    floor = visit(
        of_many,
        reverse("admin:floors_plainevent_changelist") + f"?user__id__exact={people[1].pk}",
    )
    in_admin = f"{reverse('admin:bt_security_loginevent_changelist')}?user=user:{people[1].pk}"
    own = {
        "JSON": reverse("bt_security:login-history") + "?limit=50",
        "account page": reverse("bt_security:account-login-history"),
    }
    repeats = PAIRS * options.repeats
    lines = []
    for name, address in own.items():
        ours = visit(of_many, address)
        beside = paired(ours, floor, repeats)
        lines.append(Line.of(f"{name}, {many:,} / Django's admin", beside, "ms", at_most=AT_MOST))
        flat = paired(ours, visit(of_few, address), repeats)
        lines.append(Line.of(f"{name}, {many:,} / {few:,}", flat, "ms", at_most=FLAT))
    beside = paired(visit(of_many, in_admin), floor, repeats)
    lines.append(Line.of(f"our admin, {many:,} / Django's admin", beside, "ms", at_most=AT_MOST))
    return Result(f"page 1 of a user's log-ins on {connection.display_name}", lines)


def visit(client: Client, address: str) -> Timed:
    """Return what asks for a page; Django's own one with the same user, by its filter."""

    def once() -> float:
        with Stopwatch() as watch:
            answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        return watch.seconds

    return once


def logged_in(user: Any) -> Client:
    """Return the browser of a user."""
    request = HttpRequest()
    request.META.update(REMOTE_ADDR="192.0.2.7", SERVER_NAME="testserver", SERVER_PORT="80")
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    login(request, user, backend=BACKEND)
    request.session.save()
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
    return client
