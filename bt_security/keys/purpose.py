"""Purpose keys: random keys for digests that can never be recomputed.

Each is 32 random bytes, stored sealed under the `/wrap` key. Rotation seals it anew and leaves
its bytes alone, so every digest made with it goes on matching.
"""

from __future__ import annotations

import hmac
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bt_security.crypto import SealingKey, aad_tail, parse_sealed
from bt_security.exceptions import Tampered, WrongKey
from bt_security.keys import current, store
from bt_security.keys.keyring import Keyring
from bt_security.signals import report

KEY_BYTES = 32

# Lower-case ASCII, because names are looked up by databases that fold case and accents.
_PURPOSE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,79}", re.ASCII)
_ROW = re.compile(r"_purpose/([^/]+)/([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class PurposeKey:
    """One generation of the key for one purpose; `secret` is 32 bytes."""

    purpose: str
    generation: int
    secret: bytes = field(repr=False)

    def digest(self, data: bytes) -> str:
        """Return `generation$hex` of the HMAC-SHA-256 of `data`."""
        return f"{self.generation}${hmac.digest(self.secret, data, 'sha256').hex()}"


@dataclass(frozen=True, slots=True)
class _Loaded:
    """All generations of one purpose, newest first, and the rows they came from."""

    keys: tuple[PurposeKey, ...]
    rows: Mapping[str, str]
    at: float


_loaded: dict[tuple[tuple[str, str], str], _Loaded] = {}
current.forget_hooks.append(_loaded.clear)


def purpose_keys(purpose: str) -> list[PurposeKey]:
    """Return all generations of a purpose, newest first; the first one is made if missing.

    They are kept for `current.REFRESH_SECONDS` and read again after that; where the database
    may not be asked just now, what was read last is returned.

    Raises:
        KeyRefused: there is none and this process may not seal one.
        WrongKey, Tampered: a stored one does not open.
    """
    known = _loaded.get((store.place(), purpose))
    if known is not None and time.monotonic() < known.at + current.REFRESH_SECONDS:
        return list(known.keys)
    _judge_name(purpose)
    try:
        return list(_load(purpose, known))
    except current.UNREACHABLE:
        if known is None:
            raise
        return list(known.keys)


def purpose_key(purpose: str, generation: int) -> PurposeKey:
    """Return one generation of a purpose, reading them again before refusing.

    Raises:
        WrongKey: there is no such generation, or a stored one does not open.
        KeyRefused, Tampered: as `purpose_keys`.
    """
    by_generation = {key.generation: key for key in purpose_keys(purpose)}
    known = _loaded.get((store.place(), purpose))
    is_old = known is not None and time.monotonic() >= known.at + current.RELOAD_SECONDS
    if generation not in by_generation and is_old:
        by_generation = {key.generation: key for key in _load(purpose, known)}
    if generation not in by_generation:
        raise WrongKey(detail=f"purpose {purpose}, generation {generation}")
    return by_generation[generation]


def keyed_digest(purpose: str, data: bytes) -> str:
    """Return the digest of `data` under the newest key of `purpose`: what is stored."""
    return purpose_keys(purpose)[0].digest(data)


def keyed_digests(purpose: str, data: bytes) -> list[str]:
    """Return the digests of `data` under every generation, newest first: what is looked up."""
    return [key.digest(data) for key in purpose_keys(purpose)]


def new_generation(purpose: str) -> int:
    """Add a generation to a purpose and return its number, counted from 1.

    Digests made before keep matching through their own generation.

    Raises:
        KeyRefused: this process may not seal one.
    """
    _judge_name(purpose)
    generation = max(map(_generation, _stored(purpose)), default=0) + 1
    _make(_row_name(purpose, generation))
    _loaded.pop((store.place(), purpose), None)
    return generation


def rewrap(name: str, text: str, *, keyring: Keyring) -> str:
    """Seal a stored purpose key under the key that seals; its bytes stay the same.

    Raises:
        KeyRefused: this keyring may not seal.
        WrongKey, RetiredKey, Tampered, NotSealed: the stored one does not open.
    """
    sealer = keyring.sealing_key
    if not _ROW.fullmatch(name):
        raise Tampered(detail="not the name of a purpose key")
    return _seal(name, _open(name, text, find_key=keyring.opener).secret, sealer)


def _judge_name(purpose: str) -> None:
    if _PURPOSE.fullmatch(purpose) is None:
        raise ValueError(
            f"not a purpose name: {purpose!r}; it has 1 to 80 characters of a-z, 0-9 and _.:-"
        )


def _row_name(purpose: str, generation: int) -> str:
    return f"{store.PURPOSE_PREFIX}{purpose}/{generation}"


def _generation(name: str) -> int:
    return int(name.rsplit("/", 1)[1])


def _load(purpose: str, known: _Loaded | None) -> tuple[PurposeKey, ...]:
    rows = _stored(purpose)
    if not rows and known is not None:
        # Flushed or restored without them: digests made since would match nothing any more.
        rows = {name: store.insert_once(name, text) for name, text in known.rows.items()}
    if not rows:
        first = _row_name(purpose, 1)
        rows = {first: _make(first)}
    opened = [_open(name, text) for name, text in rows.items()]
    keys = tuple(sorted(opened, key=lambda key: key.generation, reverse=True))
    if store.is_settled():
        _loaded[store.place(), purpose] = _Loaded(keys, rows, time.monotonic())
    return keys


def _stored(purpose: str) -> dict[str, str]:
    prefix = f"{store.PURPOSE_PREFIX}{purpose}/"
    found = store.rows().filter(name__startswith=prefix).values_list("name", "value")
    return {name: text for name, text in found if _ROW.fullmatch(name)}


def _make(name: str) -> str:
    """Store a new key unless the row exists; return what is stored then."""
    text = _seal(name, os.urandom(KEY_BYTES), current.ring().sealing_key)
    stored = store.insert_once(name, text)
    if stored == text:
        report("keys.purpose_key_created", target=f"purpose:{name.split('/')[1]}")
    return stored


def _tail(name: str) -> bytes:
    return aad_tail(f"bt_security.setting.{name}")


def _seal(name: str, secret: bytes, key: SealingKey) -> str:
    return key.wrap(secret, tail=_tail(name))


def _open(
    name: str, text: str, *, find_key: Callable[[str], SealingKey] = current.opener
) -> PurposeKey:
    purpose, generation = name.split("/")[1:]
    envelope = parse_sealed(text)
    secret = find_key(envelope.prefix).unwrap(envelope, tail=_tail(name))
    return PurposeKey(purpose, int(generation), secret)
