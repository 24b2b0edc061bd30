"""Django's signals of log-ins, whichever view they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, load_backend
from django.contrib.auth.backends import ModelBackend, RemoteUserBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from bt_security.audit.typed_names import account_named, typed_name
from bt_security.conf import conf
from bt_security.fields.binding import note_loaded
from bt_security.history import waiting
from bt_security.history.recording import record
from bt_security.models import LoginEvent, LoginOutcome


def connect() -> None:
    """Connect the receivers; called where the feature `history` is on."""
    note_loaded(LoginEvent)
    user_logged_in.connect(on_login, dispatch_uid="bt_security.history.login")
    user_login_failed.connect(on_login_failed, dispatch_uid="bt_security.history.login_failed")
    waiting.connect()


def on_login(request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    """Record a log-in."""
    record(
        user=user,
        outcome=LoginOutcome.SUCCESS,
        request=request,
        method=method_of(request, user),
    )


@sensitive_variables()
def on_login_failed(
    credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Record a refused log-in: the account if there is one, else a keyed digest of the name."""
    if not conf.has_feature("history"):
        return
    name = typed_name(credentials)
    record(
        user=account_named(name),
        outcome=LoginOutcome.FAILURE,
        request=request,
        method=getattr(request, "bt_login_method", "password"),
        typed_name=name,
    )


def method_of(request: HttpRequest | None, user: AbstractBaseUser) -> str:
    """Return how somebody has logged in.

    What a view has put into `request.bt_login_method` counts first. "forced" is a log-in without
    a real request, such as `force_login` of Django's test client. A backend that is not Django's
    is named by its class.
    """
    named: str = getattr(request, "bt_login_method", "")
    if named:
        return named
    if request is None or request.method is None:
        return "forced"
    session: Any = getattr(request, "session", None) or {}
    path = session.get(BACKEND_SESSION_KEY) or getattr(user, "backend", "")
    return _method_of_backend(path) if path else "password"


def _method_of_backend(path: str) -> str:
    backend = type(load_backend(path))  # the path may be that of a function, too
    if issubclass(backend, RemoteUserBackend):
        return "remote_user"
    return "password" if issubclass(backend, ModelBackend) else backend.__name__
