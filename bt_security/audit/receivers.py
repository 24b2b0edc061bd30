"""What is recorded by itself: reports of the package, log-ins, and what is done in the admin."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_save
from django.http import HttpRequest

from bt_security.audit import capture, settings_watch
from bt_security.audit.context import current_scope
from bt_security.audit.recording import record, record_refusal
from bt_security.audit.scopes import in_request
from bt_security.audit.seals import sealing
from bt_security.audit.typed_names import account_named, typed_name
from bt_security.keys import keyed_digest
from bt_security.signals import Outcome, credentials_changed, security_event

NAME_PURPOSE = "audit-name"
NAME_TAG_CHARS = 24


def connect() -> None:
    """Connect the receivers; called where the feature `audit` is on."""
    security_event.connect(on_report, dispatch_uid="bt_security.audit.report")
    credentials_changed.connect(on_credentials, dispatch_uid="bt_security.audit.credentials")
    post_save.connect(
        on_user_saved, sender=get_user_model(), dispatch_uid="bt_security.audit.password"
    )
    user_logged_in.connect(on_login, dispatch_uid="bt_security.audit.login")
    user_login_failed.connect(on_login_failed, dispatch_uid="bt_security.audit.login_failed")
    user_logged_out.connect(on_logout, dispatch_uid="bt_security.audit.logout")
    if apps.is_installed("django.contrib.admin"):
        import_module("bt_security.audit.admin_log").connect()
    settings_watch.connect()
    capture.connect()
    sealing.connect()


def on_report(
    *, action: str, outcome: Outcome, target: str, details: Mapping[str, Any], **_: Any
) -> None:
    """Record what another part of the package reports, once, in its transaction."""
    said = dict(details)
    reason = str(said.pop("reason", ""))
    write = record if outcome == "success" else record_refusal
    write(action, target=target, outcome=outcome, reason=reason, details=said)


def on_credentials(*, user: AbstractBaseUser, **_: Any) -> None:
    """Record that what a user logs in with has changed."""
    record("user.credentials_changed", target=user)


def on_user_saved(*, instance: AbstractBaseUser, created: bool, raw: bool, **_: Any) -> None:
    """Record that a password was set; one that is only hashed anew at log-in was not.

    `set_password` leaves the raw one on the instance until `save` has stored it; it is not read.
    """
    if not created and not raw and getattr(instance, "_password", None) is not None:
        record("user.password_changed", target=instance)


def on_login(*, request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    """Record a log-in."""
    with _surroundings(request):
        record("user.login", target=user, actor=user)


def on_logout(*, request: HttpRequest | None, user: AbstractBaseUser | None, **_: Any) -> None:
    """Record a log-out; nobody logs out who was not logged in."""
    if user is not None:
        with _surroundings(request):
            record("user.logout", target=user, actor=user)


def on_login_failed(
    *, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Record a refused log-in: the account if there is one, else a keyed digest of the name.

    The address is that of somebody who did not get in, so it is sealed as nobody's, and what is
    done for a name is the same whether or not it is an account's.
    """
    name = typed_name(credentials)
    user, tag = account_named(name), _tag(name) if name else ""
    with _surroundings(request):
        record_refusal(
            "user.login_failed",
            target=user,
            outcome="failure",
            details={"name_tag": tag} if tag and user is None else {},
            subject="",
        )


def _surroundings(request: HttpRequest | None) -> AbstractContextManager[Any]:
    """Return the request's scope, where the middleware has not opened it."""
    if request is None or current_scope() is not None:
        return nullcontext()
    return in_request(request)


def _tag(name: str) -> str:
    return keyed_digest(NAME_PURPOSE, name.casefold().encode("utf-8", "replace"))[:NAME_TAG_CHARS]
