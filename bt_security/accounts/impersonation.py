"""Act as another account, and take up the own session again.

The operator's own session stays as it is in the store. The other account gets a session of its
own, which carries who acts, and is over as soon as the operator's is.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user,
    get_user_model,
    load_backend,
)
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.views.decorators.debug import sensitive_variables

from bt_security import audit
from bt_security.accounts import operator_cookie
from bt_security.conf import conf
from bt_security.exceptions import ImpersonationRefused
from bt_security.sessions import registry
from bt_security.sessions.acting import operator_of
from bt_security.sessions.content import Operator
from bt_security.sessions.judging import report_stop
from bt_security.sessions.store import SealedSession

PERMISSION = "bt_security.impersonate_user"
REASON_CHARS = 200

_KNOWN = "_bt_security_impersonator"


def start(
    request: HttpRequest, response: HttpResponseBase, user: AbstractBaseUser, *, reason: str
) -> None:
    """Let the operator of a request act as a user from now on.

    `reason` says why, up to 200 characters, and is in the audit log. Sets `request.session` and
    `request.user`, the second cookie on `response`, and a new CSRF token. Sends no
    `user_logged_in`: nothing of the user's log-ins changes. Records `impersonation.started`.

    Raises:
        ImpersonationRefused: the operator or the account does not allow it, or the feature is off;
            recorded as `impersonation.refused`.
        StoreUnavailable: the store takes no new session.
    """
    own = request.session
    why_not, backend = _why_not(request, user, reason)
    if why_not or not isinstance(own, SealedSession):
        audit.record_refusal("impersonation.refused", target=user, reason=why_not)
        raise ImpersonationRefused(why_not)
    if own.modified:
        own.save()
    seconds = min(conf.impersonation.lifetime_seconds, own.get_expiry_age())
    session = _new_session()
    operator = Operator(own[SESSION_KEY], own.facts.uuid, cast(list[Any], own.facts.mark))
    with registry.writing():
        session.begin_impersonation(
            _login_values(user, backend), operator, lifetime_seconds=seconds
        )
        details = {"why": reason, "session": session.facts.uuid, "seconds": seconds}
        audit.record("impersonation.started", target=user, details=details)
    operator_cookie.set_cookie(
        request,
        response,
        cast(str, own.session_key),
        session_id=session.facts.uuid,
        age_seconds=seconds,
    )
    _go_on_as(request, session, user)
    rotate_token(request)


def stop(request: HttpRequest, response: HttpResponseBase) -> bool:
    """End acting as another user; return whether the operator's own session was taken up again.

    The own session is judged as at any request and gets a new key. Without it the browser is
    logged out. Where nobody acts as another user nothing happens. Records `impersonation.ended`.

    Raises:
        StoreUnavailable: the store of the sessions does not answer.
    """
    operator = operator_of(request)
    if operator is None:
        return False
    session = cast(SealedSession, request.session)
    own_key = operator_cookie.sent_key(request, session_id=session.facts.uuid)
    own, user = _own_session(own_key, operator)
    with registry.writing():
        user_pk = session[SESSION_KEY]
        report_stop("stopped", operator, session_id=session.facts.uuid, user_pk=user_pk)
        session.delete()
    operator_cookie.delete_cookie(response)
    if user is None:
        own.clear()  # so that both cookies are deleted, as at a log-out
        _go_on_as(request, own, AnonymousUser())
        return False
    own.cycle_key()
    _go_on_as(request, own, user)
    rotate_token(request)
    return True


def impersonator_of(request: HttpRequest) -> AbstractBaseUser | None:
    """Return the operator who acts as the user of a request, None if that is the user."""
    operator = operator_of(request)
    if operator is None:
        return None
    known: AbstractBaseUser | None = getattr(request, _KNOWN, None)
    if known is None or str(known.pk) != operator.user:
        known = get_user_model()._base_manager.get(pk=operator.user)
        setattr(request, _KNOWN, known)
    return known


async def aimpersonator_of(request: HttpRequest) -> AbstractBaseUser | None:
    """Do what `impersonator_of` does."""
    return await sync_to_async(impersonator_of)(request)


def _why_not(request: HttpRequest, user: AbstractBaseUser, reason: str) -> tuple[str, str]:
    """Return why nobody may act as `user`, "" if that is fine, and the user's log-in backend."""
    if not conf.impersonation.enabled:
        return "switched_off", ""
    if why_not := _why_not_operator(request):
        return why_not, ""
    if not reason.strip() or len(reason) > REASON_CHARS:
        return "no_reason_given", ""
    return _why_not_target(cast(AbstractBaseUser, request.user), user)


def _why_not_operator(request: HttpRequest) -> str:
    session, operator = request.session, request.user
    if not isinstance(session, SealedSession):
        return "session_engine"
    if session.operator is not None:
        return "impersonating_already"
    if not operator.is_authenticated or session.get(SESSION_KEY) != _pk_text(operator):
        return "no_session"  # also where an API token names the user
    if not operator.is_active or not getattr(operator, "is_staff", False):
        return "operator_not_staff"
    return "" if _may(operator) else "permission_missing"


def _may(operator: Any) -> bool:
    has_perm = getattr(operator, "has_perm", None)
    return has_perm is not None and bool(has_perm(PERMISSION))


def _why_not_target(operator: AbstractBaseUser, user: AbstractBaseUser) -> tuple[str, str]:
    if user.pk == operator.pk:
        return "oneself", ""
    if fault := _fault_of(user):
        return fault, ""
    found = _as_logged_in(user)
    if found is None:
        return "hidden", ""
    return _fault_of(found[0]), found[1]  # as the database has it now


def _fault_of(user: AbstractBaseUser) -> str:
    for name, fault in (("is_staff", "staff"), ("is_superuser", "superuser")):
        if getattr(user, name, False):
            return fault
    return "" if user.is_active else "inactive"


def _as_logged_in(user: AbstractBaseUser) -> tuple[AbstractBaseUser, str] | None:
    """Return the user as the log-in sees it, with the path of the backend; None if none does."""
    for path in settings.AUTHENTICATION_BACKENDS:
        get_one = getattr(load_backend(path), "get_user", None)
        found = None if get_one is None else get_one(user.pk)
        if found is not None:
            return found, path
    return None


def _login_values(user: AbstractBaseUser, backend: str) -> dict[str, Any]:
    """Return what Django's log-in puts into a session."""
    return {
        SESSION_KEY: _pk_text(user),
        BACKEND_SESSION_KEY: backend,
        HASH_SESSION_KEY: user.get_session_auth_hash(),
    }


def _pk_text(user: Any) -> str:
    return str(user._meta.pk.value_to_string(user))


@sensitive_variables()
def _own_session(
    own_key: str | None, operator: Operator
) -> tuple[SealedSession, AbstractBaseUser | None]:
    """Return the operator's own session and its user, or a new one and None."""
    if own_key is not None:
        probe = HttpRequest()
        own = probe.session = _new_session(own_key)
        if own.get(SESSION_KEY) == operator.user and own.facts.uuid == operator.session:
            user = get_user(probe)  # judges backend and password hash as well
            if user.is_authenticated:
                return own, cast(AbstractBaseUser, user)
    return _new_session(), None


def _new_session(session_key: str | None = None) -> SealedSession:
    engine = import_module(settings.SESSION_ENGINE)
    return cast(SealedSession, engine.SessionStore(session_key))


def _go_on_as(request: HttpRequest, session: Any, user: AbstractBaseUser | AnonymousUser) -> None:
    async def auser() -> AbstractBaseUser | AnonymousUser:
        return user

    request.session = session
    request.user = user  # type: ignore[assignment]
    request.auser = auser  # type: ignore[assignment]
