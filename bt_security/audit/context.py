"""Who acts, and in which request: a context variable, and what its values are."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass, field

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from bt_security.audit.canonical import clean_text
from bt_security.audit.rows import Row
from bt_security.exceptions import OpenRefused
from bt_security.models import ActorKind

ID_CHARS = 64
VIA_CHARS = 100


@dataclass(frozen=True, slots=True)
class Actor:
    """What acts: a kind with an id, through what, and the person's name, which is stored sealed."""

    kind: ActorKind
    id: str = ""
    via: str = ""
    label: str = field(default="", repr=False)

    @property
    def subject(self) -> str:
        """Whose data the personal data of this actor's entries are; "" if nobody's."""
        is_person = self.kind in (ActorKind.USER, ActorKind.API_TOKEN) and self.id
        return f"user:{self.id}" if is_person else ""


@dataclass(slots=True)
class Scope:
    """What is known for a while: the request, who acts in it, and refusals yet to be stored."""

    request: HttpRequest | None = None
    actor: Actor | None = None
    pending: list[Row] = field(default_factory=list)
    is_over: bool = False


_scope: ContextVar[Scope | None] = ContextVar("bt_security_audit_scope", default=None)


def current_scope() -> Scope | None:
    """Return the innermost scope of this thread or task, None outside of all.

    A task that outlives the request which began it has a copy of the variable: it is outside.
    """
    scope = _scope.get()
    return None if scope is None or scope.is_over else scope


def enter(scope: Scope) -> Token[Scope | None]:
    """Make `scope` the current one until `leave` gets what this returns."""
    return _scope.set(scope)


def leave(token: Token[Scope | None]) -> None:
    """Make the scope before current again."""
    _scope.reset(token)


def as_actor(who: AbstractBaseUser | Actor | str, name: str = "", *, via: object = "") -> Actor:
    """Return `who` as an actor; a text may also be "kind:id", as in `record(actor="task:nightly")`.

    Raises:
        ValueError: a text that names no kind of actor.
    """
    if isinstance(who, Actor):
        return who
    through = _named(via)
    if not isinstance(who, str):
        return user_actor(who, via=through)
    kind_name, _, id_in_text = who.partition(":")
    try:
        kind = ActorKind[kind_name.upper()]
    except KeyError:
        kinds = ", ".join(kind.name.lower() for kind in ActorKind)
        raise ValueError(f"no kind of actor: {kind_name!r}; there are {kinds}") from None
    return Actor(kind, clean_text(name or id_in_text, max_chars=ID_CHARS), via=through)


def user_actor(user: AbstractBaseUser, *, via: str = "") -> Actor:
    """Return a user as an actor, with the log-in name as label."""
    if user.pk is None:
        return Actor(ActorKind.ANONYMOUS, via=via)
    try:
        label = user.get_username()
    except OpenRefused:
        label = ""  # an encrypted name that does not open must not keep the entry away
    return Actor(ActorKind.USER, clean_text(user.pk, max_chars=ID_CHARS), via, label)


def _named(via: object) -> str:
    if isinstance(via, AbstractBaseUser):
        via = f"user:{via.pk}"
    return clean_text(via, max_chars=VIA_CHARS)
