"""The hot path: one column's sealing and opening under one keyring."""

from __future__ import annotations

from binascii import b2a_base64
from os import urandom
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag

from bt_security.crypto import (
    INDEX_LENGTH,
    PREFIX_LENGTH,
    aad_tail,
    associated_data,
    parse_sealed,
)
from bt_security.crypto.envelope import decode_box
from bt_security.exceptions import OpenRefused, Tampered
from bt_security.fields.normalisers import normaliser, normaliser_name
from bt_security.keys import Keyring, opener, ring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bt_security.crypto import Bound, SealingKey
    from bt_security.fields.normalisers import LookupOption


class ColumnSealer:
    """What one encrypted column needs of one keyring, worked out once."""

    __slots__ = (
        "_ciphers",
        "_find_key",
        "contexts",
        "encrypt",
        "keyring",
        "lookups",
        "plain_aad",
        "prefix",
        "tail",
    )

    def __init__(
        self,
        keyring: Keyring,
        *,
        contexts: Sequence[str],
        lookups: Sequence[LookupOption],
        find_key: Callable[[str], SealingKey] | None = None,
    ) -> None:
        self.keyring = keyring
        self._find_key = find_key or keyring.opener
        self.contexts = contexts
        self.lookups = lookups
        self.tail = aad_tail(contexts[0])
        self._ciphers: dict[str, tuple[Any, bytes]] = {}
        for prefix, key in keyring.openers.items():
            self._ciphers[prefix] = (key.field.decrypt, associated_data(prefix, self.tail))
        if keyring.sealer is not None:
            self.prefix = keyring.sealer.prefix
            self.encrypt = keyring.sealer.field.encrypt
            self.plain_aad = associated_data(self.prefix, self.tail)

    def seal(self, plaintext: bytes) -> str:
        """Seal a value that carries no index and is bound to its column alone."""
        nonce = urandom(12)
        box = nonce + self.encrypt(nonce, plaintext, self.plain_aad)
        return self.prefix + b2a_base64(box, newline=False).decode("ascii")

    def seal_with(
        self, plaintext: bytes, *, indexed: str | None, bound: Sequence[Bound], key: SealingKey
    ) -> str:
        """Seal a value under `key`; `indexed` is the text that the blind index is made of."""
        index = ""
        if self.lookups and indexed is not None:
            index = self._index(key, self.contexts[0], self.lookups[0], indexed)
        tail = aad_tail(self.contexts[0], bound) if bound else self.tail
        return key.seal(plaintext, tail=tail, index=index)

    def open(self, text: str) -> bytes:
        """Open a value without index that is bound to its column alone.

        Raises:
            WrongKey, RetiredKey, Tampered, NotSealed: it does not open.
        """
        cipher = self._ciphers.get(text[:PREFIX_LENGTH])
        if cipher is None or text[PREFIX_LENGTH + INDEX_LENGTH : PREFIX_LENGTH + 25] == ":":
            return self.open_with(text, ())
        nonce, box = decode_box(text[PREFIX_LENGTH:])
        decrypt, aad = cipher
        try:
            return decrypt(nonce, box, aad)  # type: ignore[no-any-return]
        except InvalidTag:
            if len(self.contexts) > 1:
                return self.open_with(text, ())
            raise Tampered(key_id=text[3:11]) from None

    def open_with(self, text: str, bound: Sequence[Bound]) -> bytes:
        """Open any value of the column, under its context or a previous one.

        Raises:
            WrongKey, RetiredKey, Tampered, NotSealed: it does not open.
        """
        envelope = parse_sealed(text)
        key = self._find_key(envelope.prefix)
        refusal: OpenRefused | None = None
        for context in self.contexts:
            try:
                return key.open(envelope, tail=aad_tail(context, bound))
            except Tampered as error:
                refusal = error
        raise refusal or Tampered(key_id=envelope.key_id)

    def index_values(self, value: str) -> Iterator[str]:
        """Yield the blind indexes of `value`: live keys by contexts by lookups, current first."""
        keys = dict.fromkeys(self.keyring.openers.values())
        if self.keyring.sealer is not None:
            keys = {self.keyring.sealer: None, **keys}
        for key in keys:
            for context in self.contexts:
                for lookup in self.lookups:
                    yield self._index(key, context, lookup, value)

    @staticmethod
    def _index(key: SealingKey, context: str, lookup: LookupOption, value: str) -> str:
        return key.blind_index(
            normaliser=normaliser_name(lookup), context=context, value=normaliser(lookup)(value)
        )


def may_seal(field: Any) -> ColumnSealer:
    """Return the field's sealer, before any plaintext is in sight of a traceback.

    Raises:
        KeyRefused: this process may not seal.
    """
    sealer = current_sealer(field)
    if sealer.keyring.sealer is None:
        sealer.keyring.sealing_key  # noqa: B018 - raises the refusal
    return sealer


def current_sealer(field: Any) -> ColumnSealer:
    """Return the field's sealer for the keyring in force, kept on the field between calls."""
    keyring = ring()
    sealer: ColumnSealer | None = field.__dict__.get("_column_sealer")
    if sealer is None or sealer.keyring is not keyring:
        sealer = ColumnSealer(
            keyring, contexts=field.contexts, lookups=field.lookups, find_key=opener
        )
        field.__dict__["_column_sealer"] = sealer
    return sealer
