"""What both engines share: how a session is judged, kept, renamed and ended."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import (
    VALID_KEY_CHARS,
    CreateError,
    SessionBase,
    UpdateError,
)
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.exceptions import StoreUnavailable
from bt_security.sessions import registry, secrets
from bt_security.sessions.content import Facts, Identity, Operator, identity, pack, unpack
from bt_security.sessions.judging import end_for, end_with_own, why_over, why_stopped
from bt_security.sessions.limits import this_moment
from bt_security.signals import report

NOBODY: Identity = (None, None)

MAX_TRIES = 10
"""Keys tried for a new session: no random one is ever taken, but a failing cache adds nothing."""
KEY_CHARS = 32

suspicious = logging.getLogger("django.security.SuspiciousSession")


class SealedSession(SessionBase, ABC):
    """A session whose key only the browser has, and whose content opens in its own place only.

    Judged whenever it is loaded, also by code that no middleware of ours runs before: both limits,
    and whether its user still has the password, the roles and the epoch of the log-in.
    """

    if TYPE_CHECKING:  # Django's own, of which its stubs do not tell
        _session: dict[str, Any]

        def _get_session(self, no_load: bool = False) -> dict[str, Any]: ...
        async def _aget_session(self, no_load: bool = False) -> dict[str, Any]: ...

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._facts: Facts | None = None
        self._loaded: Identity = NOBODY
        self._begun_by: str | None = None
        self._has_row = False
        self._is_unreachable = False

    @property
    def facts(self) -> Facts:
        """What the session carries besides the values; made when a new one needs them."""
        if self._facts is None:
            self._facts = Facts()
        return self._facts

    @facts.setter
    def facts(self, facts: Facts) -> None:
        self._facts = facts

    # What an engine has to know.

    @abstractmethod
    def _read(self, digests: list[str]) -> tuple[str, str, registry.Row | None] | None:
        """Return digest, sealed content and row of what is stored under one of the digests."""

    @abstractmethod
    def _insert(self, digest: str, sealed: str) -> bool:
        """Store new content; False if there is some under this digest.

        Raises:
            UpdateError: its user is gone.
        """

    @abstractmethod
    def _replace(self, old: str, new: str, sealed: str) -> bool:
        """Store content in the place of `old`; False if nothing is there any more."""

    @abstractmethod
    def remove(self, digests: list[str]) -> None:
        """Delete what is stored under the digests."""

    def remove_content(self, digests: list[str]) -> None:
        """Delete what is kept under the digests outside of the rows."""

    @abstractmethod
    def _discard(self, digest: str, row: registry.Row | None) -> bool:
        """Give up content that does not open; False if another request has done so before."""

    def prolong(self, digest: str) -> None:
        """Keep what is stored for another idle time."""

    # Django's interface.

    @sensitive_variables()
    def exists(self, session_key: str | None) -> bool:
        """Whether something is stored under a key; never for an empty one."""
        return bool(session_key) and self._read(secrets.digests(str(session_key))) is not None

    def load(self) -> dict[str, Any]:
        """Return the content of a session that may still be used, else an empty one.

        Raises:
            StoreUnavailable: the store does not answer, and the setting asks for 503.
        """
        try:
            return self._judged(secrets.digests(str(self.session_key)))
        except StoreUnavailable:
            if conf.sessions.when_unavailable == "503":
                raise
        # The key stays: a session that could not be read is not one that has ended.
        self._is_unreachable = True
        return {}

    def _get_new_session_key(self) -> str:
        """Return a random key; whether it is free is known when it is stored."""
        return get_random_string(KEY_CHARS, VALID_KEY_CHARS)

    def create(self) -> None:
        """Store an empty session under a new key.

        Raises:
            StoreUnavailable: the store takes no new session.
        """
        for _ in range(MAX_TRIES):
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return
        self._forget()
        raise StoreUnavailable("the store takes no new session")

    def save(self, must_create: bool = False) -> None:
        """Store the session.

        Raises:
            CreateError: `must_create`, and the key is in use.
            UpdateError: the session has been ended meanwhile.
            StoreUnavailable: the store does not answer, and the setting asks for 503, or somebody
                has just logged in.
        """
        try:
            self._save(must_create=must_create)
        except StoreUnavailable:
            if conf.sessions.when_unavailable == "503" or self.has_owner():
                raise

    def _save(self, *, must_create: bool) -> None:
        if self._is_unreachable:
            raise StoreUnavailable("a session that could not be read is not overwritten")
        if self.session_key is None:
            self.create()
            return
        values = self._get_session(no_load=must_create)
        self._belong(values)
        digest, sealed = self._sealed(values)
        if must_create and not self._insert(digest, sealed):
            raise CreateError
        if not must_create and not self._replace(digest, digest, sealed):
            raise UpdateError
        self._loaded = identity(values)

    @sensitive_variables()
    def delete(self, session_key: str | None = None) -> None:
        """End the session, or the one of another key."""
        key = self.session_key if session_key is None else session_key
        if key:
            self.remove(secrets.digests(key))

    @sensitive_variables()
    def cycle_key(self) -> None:
        """Move the session to a new key in one write; its public id stays.

        A session that has been ended meanwhile stays so: an empty one takes its place.

        Raises:
            StoreUnavailable: the store does not answer, or has not when the session was loaded.
        """
        values = self._session
        if self._is_unreachable:
            raise StoreUnavailable("a session that could not be read gets no other key")
        was = self._loaded
        if self.session_key is not None:
            self._belong(values)
            if self._move(values):
                self._loaded = identity(values)
                self.modified = True
                return
        self._forget()
        self._session_cache = values if was == NOBODY else {}
        self.create()

    @sensitive_variables()
    def _move(self, values: dict[str, Any]) -> bool:
        """Store the session under a new key; False if there is nothing any more to be moved."""
        place, old = self._place(), self._session_key
        self._session_key = self._get_new_session_key()
        try:
            return self._replace(place, *self._sealed(values))
        except StoreUnavailable:
            self._session_key = old  # the cookie still has it
            raise

    def begin(self) -> None:
        """Begin anew at a log-in: another public id, both limits from now on.

        Django gives a key of its own to every log-in but that of who is logged in already. Who acts
        as the user goes on to do so, no longer than before.
        """
        values = self._get_session()
        is_second = not self._is_of_another(values)
        if not is_second or self.facts.operator is None:
            self.facts, self._begun_by = Facts(), identity(values)[0]
            if self._begun_by is not None:  # an end of all sessions before the save ends it, too
                self.facts.mark = registry.mark_of(self._begun_by)
        if is_second:
            self.cycle_key()

    @property
    def operator(self) -> Operator | None:
        """Who acts through this session as its user, None if that is the user."""
        self._get_session()
        return self.facts.operator

    def begin_impersonation(
        self, values: dict[str, Any], operator: Operator, *, lifetime_seconds: int
    ) -> None:
        """Store a new session in which an operator acts as the user of these values.

        Raises:
            UpdateError: that user is gone.
            StoreUnavailable: the store takes no new session.
        """
        self.facts = Facts(deadline=time.time() + lifetime_seconds, operator=operator)
        self._session_cache, self._loaded = values, identity(values)
        self.create()

    async def acycle_key(self) -> None:
        """Do what `cycle_key` does."""
        await sync_to_async(self.cycle_key)()

    def flush(self) -> None:
        """End the session and forget what it was; with it, that of an operator who acts in it."""
        operator = self.operator if conf.impersonation.enabled else None
        if operator is not None:
            with registry.writing():
                end_with_own("logged_out", self, operator, self._loaded[0])
        super().flush()
        self._forget()

    async def aflush(self) -> None:
        """Do what `flush` does."""
        await sync_to_async(self.flush)()

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Return sealed content for the place of this session."""
        return secrets.seal(pack(self.facts, session_dict), self._place(), self.facts.uuid)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Return the values of sealed content, none if it does not open here."""
        text = session_data if isinstance(session_data, str) else session_data.decode("latin-1")
        content = secrets.opened(text, self._place())
        if content is None:
            logging.getLogger("django.security.SuspiciousSession").warning("Session data corrupted")
            return {}
        return unpack(content)[1]

    def get_session_cookie_age(self) -> int:
        """Return what is left of the absolute limit, in seconds."""
        if self._is_of_another(getattr(self, "_session_cache", {})):
            return settings.SESSION_COOKIE_AGE
        return self.facts.left_seconds()

    def get_expiry_age(self, **kwargs: Any) -> int:
        """Return the seconds until the session ends: the absolute limit, or a nearer one."""
        return min(super().get_expiry_age(**kwargs), self.get_session_cookie_age())

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """Return when the session ends: at the absolute limit, or before."""
        last = timezone.now() + timedelta(seconds=self.get_session_cookie_age())
        return min(super().get_expiry_date(**kwargs), last)

    async def aget_expiry_date(self, **kwargs: Any) -> datetime:
        """Do what `get_expiry_date` does."""
        await self._aget_session()
        return self.get_expiry_date(**kwargs)

    async def aget_expiry_age(self, **kwargs: Any) -> int:
        """Do what `get_expiry_age` does."""
        await self._aget_session()
        return self.get_expiry_age(**kwargs)

    def has_owner(self) -> bool:
        """Whether somebody is logged in by this session."""
        return identity(self._session)[0] is not None

    def take_mark_again(self) -> None:
        """Bind the session to what its user is like now; `cycle_key` or `save` stores it.

        The end of all sessions of the user goes on to end it.
        """
        name, _ = identity(self._get_session())
        now = registry.mark_of(name) if name is not None else None
        if now is not None:
            self.facts.mark = registry.with_everything_but_ends(self.facts.mark or now, now)
        self.modified = True

    @classmethod
    def clear_expired(cls) -> None:
        """Delete the rows of sessions that have reached a limit."""
        registry.delete_over()

    @classmethod
    async def aclear_expired(cls) -> None:
        """Do what `clear_expired` does."""
        await sync_to_async(cls.clear_expired)()

    # The life of a session.

    def _judged(self, digests: list[str]) -> dict[str, Any]:
        found = self._read(digests)
        if found is None:
            return self._refused()
        digest, sealed, row = found
        content = secrets.opened(sealed, digest)
        if content is None:
            suspicious.warning("Session data corrupted")
            with registry.writing():
                if self._discard(digest, row):
                    report("session.refused", outcome="refused", details={"reason": "tampered"})
            return self._refused()
        facts, values = unpack(content)
        if row is None and facts.mark is not None:
            row = registry.find([digest])
        moment = this_moment()
        reason = why_over(facts, row, identity(values)[0], moment)
        if not reason and facts.operator is not None:
            reason = why_stopped(self, facts.operator, moment)
        if reason:
            if row is not None:
                end_for(reason, self, row, facts)
            return self._refused()
        self.facts, self._loaded, self._has_row = facts, identity(values), row is not None
        self._session_cache = values  # what follows asks how long it may live
        if digest != digests[0]:
            self._replace(digest, *self._sealed(values))
        if row is not None and registry.note_use(row, moment):
            self.prolong(digests[0])
        return values

    def _refused(self) -> dict[str, Any]:
        self._forget()
        return {}

    def _forget(self) -> None:
        self._session_key = None
        self.facts, self._loaded, self._has_row = Facts(), NOBODY, False
        self._begun_by = None

    def _belong(self, values: dict[str, Any]) -> None:
        """Take down whose session it is, when that has changed since it was loaded.

        The mark is not taken again for the same log-in: what changes after it ends the session.
        Only a new password is, for which Django has put a new hash among the values.
        """
        who = identity(values)
        if self._is_of_another(values) and who[0] != self._begun_by:
            self.facts = Facts()
        if who[0] is None:
            self.facts.mark = None
        elif who != self._loaded or self.facts.mark is None:
            now = registry.mark_of(who[0])
            if now is None:
                raise UpdateError
            self.facts.mark = registry.with_password(self.facts.mark or now, now)

    def _is_of_another(self, values: dict[str, Any]) -> bool:
        return identity(values)[0] != self._loaded[0]

    def _place(self) -> str:
        return secrets.digests(self.session_key)[0] if self.session_key else ""

    def _sealed(self, values: dict[str, Any]) -> tuple[str, str]:
        digest = self._place()
        return digest, secrets.seal(pack(self.facts, values), digest, self.facts.uuid)
