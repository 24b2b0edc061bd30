"""What an entry says of its surroundings: actor, request, session, address, tenant."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string

from bt_security.audit.canonical import clean_text
from bt_security.audit.context import VIA_CHARS, Actor, Scope, current_scope, user_actor
from bt_security.conf import conf
from bt_security.models import ActorKind
from bt_security.net import client_ip

AGENT_CHARS = 250
REQUEST_ID_CHARS = 128
SESSION_REF_CHARS = 16
TENANT_CHARS = 64

_MANAGEMENT = ("manage.py", "django-admin", os.path.join("django", "__main__.py"))
_SERVERS = frozenset({"runserver", "testserver"})
_SHELLS = frozenset({"shell", "shell_plus", "dbshell"})
_NO_SCOPE = Scope()


class Circumstances(NamedTuple):
    """Where an entry comes from; `address` and `agent` are personal data and never logged."""

    actor: Actor
    tenant: str
    request_id: str = ""
    session_ref: str = ""
    address: str = ""
    agent: str = ""

    def __repr__(self) -> str:
        return f"<Circumstances {self.request_id}>"


def circumstances(actor: Actor | None = None) -> Circumstances:
    """Return those of the code that runs now; `actor` overrides who acts."""
    scope = current_scope() or _NO_SCOPE
    request = scope.request
    found = actor or scope.actor
    if request is None:
        return Circumstances(found or _process_actor(), _tenant(None))
    return Circumstances(
        _through_operator(found or _request_actor(request), request),
        _tenant(request),
        clean_text(getattr(request, "bt_request_id", ""), max_chars=REQUEST_ID_CHARS),
        _session_ref(request),
        client_ip(request) if "REMOTE_ADDR" in request.META else "",
        clean_text(request.META.get("HTTP_USER_AGENT", ""), max_chars=AGENT_CHARS),
    )


def _request_actor(request: HttpRequest) -> Actor:
    """Return who is logged in, without loading a session that is just being loaded."""
    session = getattr(request, "session", None)
    if _is_being_loaded(session):
        return Actor(ActorKind.ANONYMOUS)
    user = getattr(request, "user", None)
    if user is None:
        return _session_actor(session)
    found = user_actor(user)
    token = getattr(request, "api_token", None)
    if token is None or found.kind != ActorKind.USER:
        return found
    return Actor(ActorKind.API_TOKEN, found.id, f"api_token:{token.uuid}", found.label)


def _session_actor(session: Any) -> Actor:
    """Return whom the session names, where no middleware has attached a user."""
    user_pk = session.get(SESSION_KEY) if session is not None else None
    if user_pk is None:
        return Actor(ActorKind.ANONYMOUS)
    return Actor(ActorKind.USER, clean_text(user_pk, max_chars=64))


def _through_operator(actor: Actor, request: HttpRequest) -> Actor:
    """Return a user as whom somebody else acts in this request with that operator in `via`."""
    session = getattr(request, "session", None)
    if actor.kind != ActorKind.USER or actor.via or not hasattr(session, "_session_cache"):
        return actor
    operator = getattr(getattr(session, "facts", None), "operator", None)
    if operator is None or operator.user == actor.id:
        return actor
    return replace(actor, via=clean_text(f"user:{operator.user}", max_chars=VIA_CHARS))


def _is_being_loaded(session: Any) -> bool:
    return (
        session is not None
        and getattr(session, "accessed", False)
        and not hasattr(session, "_session_cache")
    )


def _session_ref(request: HttpRequest) -> str:
    """Return the id under which our lists show the session, or a digest of another engine's key."""
    session = getattr(request, "session", None)
    if session is None or not getattr(session, "accessed", False) or _is_being_loaded(session):
        return ""
    facts = getattr(session, "facts", None)
    if facts is not None:
        return str(facts.uuid)
    key = session.session_key
    return _digest(key) if key else ""


def _digest(key: str) -> str:
    return salted_hmac("bt_security.audit.session", key, algorithm="sha256").hexdigest()[
        :SESSION_REF_CHARS
    ]


@lru_cache(maxsize=4)
def _tenant_function(path: str) -> Any:
    return import_string(path)


def _tenant(request: HttpRequest | None) -> str:
    path = conf.audit.tenant
    return clean_text(_tenant_function(path)(request), max_chars=TENANT_CHARS) if path else ""


@cache
def _process_actor() -> Actor:
    """Return what this process is: a management command, a shell, or the site itself."""
    program, command = [*sys.argv, "", ""][:2]
    if not program.endswith(_MANAGEMENT) or not command or command in _SERVERS:
        return Actor(ActorKind.SYSTEM)
    kind = ActorKind.SHELL if command in _SHELLS else ActorKind.COMMAND
    return Actor(kind, clean_text(command, max_chars=64), via=f"os:{_os_user()}")


def _os_user() -> str:
    try:
        return clean_text(getpass.getuser(), max_chars=60)
    except (KeyError, OSError):  # a container may run under a number without a name
        return f"uid {os.getuid()}"
