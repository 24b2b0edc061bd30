"""The keyring of this process: loaded at first use, read again when it may have changed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.transaction import Atomic, TransactionManagementError

from bt_security.conf import conf
from bt_security.conf.keys import read_operator_keys
from bt_security.crypto import SealingKey, sealing_key
from bt_security.exceptions import KeyMismatch, KeyRefused, OpenRefused
from bt_security.keys import database, lost_state, store
from bt_security.keys.hidden import HiddenText
from bt_security.keys.keyring import Keyring
from bt_security.keys.state import KeyState, claim_done, open_state
from bt_security.signals import report

REFRESH_SECONDS = 2.0
"""How long a keyring that depends on the database is used before it is read again."""

RELOAD_SECONDS = 1.0
"""How old a keyring is at least before a value with an unknown prefix makes it read again."""

SETTLE_SECONDS = 5.0
"""How long after `migrating` began every process is sure to have noticed it."""

cached: Keyring | None = None
"""The keyring in use, read by the hot path of the fields; everything else calls `ring`."""

_fixed: Keyring | None = None

_in_the_past: WeakKeyDictionary[BaseDatabaseWrapper, tuple[Atomic, float]] = WeakKeyDictionary()
"""Open transactions that see older keys than those in use, and until when not to look again."""

_STEPS = ("", "migrating", "done")

forget_hooks: list[Callable[[], None]] = [database.forget, lost_state.forget]
"""What `forget` calls besides: everything that is remembered of the key table."""

UNREACHABLE = (SynchronousOnlyOperation, TransactionManagementError)
"""The database may not be asked just now: async code, or a transaction that has failed."""


def ring() -> Keyring:
    """Return the keyring in force, a stale one where the database may not be asked just now.

    Raises:
        KeyStoreMissing: the table of the keys does not exist yet.
        ImproperlyConfigured: the environment's keys are malformed.
    """
    current = cached
    if current is not None and (time.monotonic() < current.stale_after or _sees_the_past()):
        return current
    try:
        return reload()
    except UNREACHABLE:
        if current is None:
            raise
        return current


def opener(prefix: str) -> SealingKey:
    """Return the key for a value's prefix, looking at the database again before refusing.

    Raises:
        RetiredKey, WrongKey: as `Keyring.opener`.
    """
    current = ring()
    try:
        return current.opener(prefix)
    except OpenRefused as refused:
        is_fresh = time.monotonic() < current.loaded_at + RELOAD_SECONDS
        if current is _fixed or is_fresh or _sees_the_past():
            raise
        try:
            fresh = reload()
        except UNREACHABLE:
            raise refused from None
    return fresh.opener(prefix)


def reload() -> Keyring:
    """Read environment and database again and return the new keyring.

    A transaction may see the rows as they were when it began. What it reads takes the place of
    the keyring in use only if the move to an operator key is no further along there.
    """
    global cached
    former = cached
    fresh = _fixed or _load(step_known=_step(former))
    if former is not None and _step(fresh) < _step(former) and store.is_in_transaction():
        connection, block = store.open_atomic()
        if block is not None:
            _in_the_past[connection] = block, time.monotonic() + REFRESH_SECONDS
        return former
    cached = fresh
    return cached


def _step(keyring: Keyring | None) -> int:
    """How far the move has come; nothing that may yet be rolled back counts."""
    if keyring is None or keyring.state is None or keyring.stale_after == -math.inf:
        return 0
    return _STEPS.index(keyring.state.phase)


def _sees_the_past() -> bool:
    if not _in_the_past:
        return False
    connection, block = store.open_atomic()
    seen_in, until = _in_the_past.get(connection, (None, 0.0))
    return block is not None and seen_in is block and time.monotonic() < until


def forget() -> None:
    """Drop what is cached, remembered keys included; the next use reads everything again."""
    global cached
    cached = _fixed
    for hook in forget_hooks:
        hook()


def fix(keyring: Keyring | None) -> None:
    """Use `keyring` whatever environment and database say; None ends that. For tests."""
    global _fixed
    _fixed = keyring
    forget()


def _load(*, step_known: int) -> Keyring:
    operator = _Operator.read()
    stored = _stored()
    refusal: KeyRefused | None = None
    if store.KEY_STATE not in stored and store.DATABASE_KEY not in stored:
        made: dict[str, str] = {}
        try:
            if operator.current is not None:
                made[store.KEY_STATE] = claim_done(operator.current)
            elif conf.keys.accept_database_key:
                made[store.DATABASE_KEY] = database.make_database_key()
        except KeyRefused as refused:
            refusal = KeyRefused(*refused.args)
        # The open transaction's snapshot may be older than what was just stored.
        stored = {**made, **_stored()}
    has_lost_state = False
    may_be_past = step_known and store.KEY_STATE not in stored and store.is_in_transaction()
    if operator.current is not None and conf.keys.accept_database_key and not may_be_past:
        stored, has_lost_state = _with_state(operator, operator.current, stored)
    return _assemble(operator, database.remember(stored), refusal, has_lost_state=has_lost_state)


def _with_state(
    operator: _Operator, key: SealingKey, stored: dict[str, str]
) -> tuple[dict[str, str], bool]:
    """Return the rows, and whether the state is missing among them although values have moved.

    Where nothing can need the database key any more, the state is written again.
    """
    if store.KEY_STATE in stored:
        lost_state.note_state()
        return stored, False
    if not lost_state.has_lost_state():
        return stored, False
    stored = _stored()  # the move may have begun meanwhile
    if store.KEY_STATE not in stored and lost_state.is_certainly_done(operator.by_prefix):
        stored = {store.KEY_STATE: claim_done(key), **_stored()}
        # Not earlier: a receiver that asks for the keys would come here again.
        report("keys.state_restored", target=f"key:{key.key_id}")
    return stored, store.KEY_STATE not in stored


def _stored() -> dict[str, str]:
    wanted = Q(name__startswith=store.DATABASE_KEY) | Q(name=store.KEY_STATE)
    found = store.rows().filter(wanted).values_list("name", "value")
    return {name: HiddenText(value) for name, value in found}


@dataclass(frozen=True, slots=True)
class _Operator:
    """The operator's keys, derived."""

    current: SealingKey | None
    previous: Sequence[SealingKey]
    by_prefix: Mapping[str, SealingKey]

    @classmethod
    def read(cls) -> _Operator:
        configured = read_operator_keys()
        current = sealing_key("e2", configured.current) if configured.current else None
        previous = [sealing_key("e2", secret) for secret in configured.previous]
        by_prefix: dict[str, SealingKey] = {}
        for key in [*([current] if current else []), *previous]:
            if key.prefix in by_prefix:
                raise ImproperlyConfigured(
                    f"two configured keys have the key id {key.key_id}: generate another key"
                )
            by_prefix[key.prefix] = key
        return cls(current, previous, by_prefix)


def _assemble(
    operator: _Operator,
    stored: Mapping[str, str],
    refusal: KeyRefused | None,
    *,
    has_lost_state: bool,
) -> Keyring:
    state: KeyState | None = None
    if has_lost_state:
        refusal = KeyRefused(lost_state.LOST_STATE)
    if store.KEY_STATE in stored:
        try:
            state = open_state(stored[store.KEY_STATE], operator.by_prefix)
        except KeyMismatch as mismatch:
            refusal = KeyMismatch(*mismatch.args)
        except OpenRefused:
            refusal = KeyRefused("the row _key_state of bt_security_setting was changed by hand")
    state_is_unknown = has_lost_state or (state is None and store.KEY_STATE in stored)
    is_done = state is not None and state.phase == "done"
    opens_database_key = conf.keys.accept_database_key and not state_is_unknown and not is_done
    database_keys = database.database_keys(stored)
    by_prefix = {key.prefix: key for key in database_keys}
    sealer = None if refusal else _sealer(operator, state, database_keys)
    if sealer is not operator.current or sealer is None:
        refusal = refusal or _fault(stored, database_keys, by_prefix)
        sealer = None if refusal else sealer
    now = time.monotonic()
    is_settled = store.is_settled()
    stale_after = math.inf if is_done and sealer is not None else now + REFRESH_SECONDS
    return Keyring(
        openers={**operator.by_prefix, **(by_prefix if opens_database_key else {})},
        sealer=sealer,
        refusal=None if sealer else refusal or _why_not(state),
        state=state,
        database_keys=database_keys,
        operator_key=operator.current,
        previous_keys=operator.previous,
        opens_database_key=opens_database_key,
        has_lost_state=has_lost_state,
        loaded_at=now,
        stale_after=stale_after if is_settled else -math.inf,
    )


def _fault(
    stored: Mapping[str, str],
    database_keys: Sequence[SealingKey],
    by_prefix: Mapping[str, SealingKey],
) -> KeyRefused | None:
    """What is wrong with the rows of the database key, if anything."""
    if database.is_damaged(stored):
        return KeyRefused(
            "the row _auto_encryption_key of bt_security_setting was changed by hand: restore "
            "it from a backup"
        )
    if len(by_prefix) < len(database_keys):
        return KeyRefused("two rows of the database key in bt_security_setting have one key id")
    return None


def _sealer(
    operator: _Operator, state: KeyState | None, database_keys: Sequence[SealingKey]
) -> SealingKey | None:
    """The key that seals: the database key until the first re-seal, then the operator's."""
    if operator.current is not None and (state is not None or not conf.keys.accept_database_key):
        return operator.current
    if conf.keys.accept_database_key and (state is None or state.phase == "migrating"):
        return next(iter(database_keys), None)
    return None


def _why_not(state: KeyState | None) -> KeyRefused:
    if state is not None:
        return KeyRefused(
            "this database has moved to an operator key, and this process has it only as a "
            "previous key, which never seals: set TOKEN_ENCRYPTION_KEY"
        )
    return KeyRefused(
        "BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY is False and no operator key is configured: "
        "set TOKEN_ENCRYPTION_KEY"
    )
