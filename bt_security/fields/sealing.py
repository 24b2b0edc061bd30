"""The hot path: one column's sealing and opening under one keyring."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from os import urandom
from time import monotonic
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag

from bt_security.crypto import (
    PREFIX_LENGTH,
    aad_tail,
    associated_data,
    parse_sealed,
)
from bt_security.crypto.envelope import ENDINGS, NONCE_BYTES, decode_box
from bt_security.exceptions import OpenRefused, Tampered
from bt_security.fields.column import INDEX_END, INDEXED_LENGTH
from bt_security.fields.normalisers import normaliser, normaliser_name
from bt_security.keys import Keyring, current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bt_security.crypto import Bound, SealingKey
    from bt_security.fields.normalisers import LookupOption

NONCE_END = PREFIX_LENGTH + 4 * NONCE_BYTES // 3
"""Where the nonce ends in a value without index: 3 bytes are 4 characters of base64."""

# Made once, because the closures below cut every value with them.
_PREFIX, _NONCE, _BOX = (
    slice(PREFIX_LENGTH),
    slice(PREFIX_LENGTH, NONCE_END),
    slice(NONCE_END, None),
)


class ColumnSealer:
    """What one encrypted column needs of one keyring, worked out once."""

    __slots__ = (
        "_find_key",
        "ciphers",
        "contexts",
        "keyring",
        "lookups",
        "prefix",
        "seal",
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
        self.prefix = keyring.sealer.prefix if keyring.sealer is not None else ""
        self.seal = self._quick_seal()
        self.ciphers = {
            prefix: (key.field.decrypt, associated_data(prefix, self.tail))
            for prefix, key in keyring.openers.items()
        }

    def _quick_seal(self) -> Callable[[bytes], str]:
        """Make the function that seals a value without index, bound to its column alone.

        A closure over local names: this runs once per value of every INSERT.
        """
        prefix, aad = self.prefix, associated_data(self.prefix, self.tail)
        if self.keyring.sealer is None:
            return self._refuse
        encrypt = self.keyring.sealer.field.encrypt

        def seal(plaintext: bytes) -> str:
            nonce = urandom(NONCE_BYTES)
            box = nonce + encrypt(nonce, plaintext, aad)
            return prefix + b2a_base64(box, newline=False).decode()

        return seal

    def _refuse(self, _: bytes) -> str:
        return self.keyring.sealing_key.prefix  # raises the refusal

    def open(self, text: str) -> bytes:
        """Open a value that is not bound to its row.

        Raises:
            WrongKey, RetiredKey, Tampered, NotSealed: it does not open.
        """
        cipher = self.ciphers.get(text[:PREFIX_LENGTH])
        if cipher is None or text[INDEX_END:INDEXED_LENGTH] == ":":
            return self.open_with(text, ())
        decrypt, aad = cipher
        nonce, box = decode_box(text[PREFIX_LENGTH:])
        try:
            return decrypt(nonce, box, aad)
        except InvalidTag:
            return self.open_with(text, ())

    def seal_with(
        self, plaintext: bytes, *, indexed: str | None, bound: Sequence[Bound], key: SealingKey
    ) -> str:
        """Seal a value under `key`; `indexed` is the text that the blind index is made of."""
        index = ""
        if self.lookups and indexed is not None:
            index = self._index(key, self.contexts[0], self.lookups[0], indexed)
        tail = aad_tail(self.contexts[0], bound) if bound else self.tail
        return key.seal(plaintext, tail=tail, index=index)

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
    if not sealer.prefix:
        sealer.keyring.sealing_key  # noqa: B018 - raises the refusal
    return sealer


def current_sealer(field: Any) -> ColumnSealer:
    """Return the field's sealer for the keyring in force, kept on the field between calls."""
    sealer: ColumnSealer | None = field.column_sealer
    return sealer if sealer is not None and _is_in_force(sealer) else _new_sealer(field)


def is_ready_to_seal(field: Any) -> bool:
    """Whether sealing cannot be refused just now, so that plaintext may be taken in hand."""
    sealer: ColumnSealer | None = field.column_sealer
    return sealer is not None and bool(sealer.prefix) and _is_in_force(sealer)


def _is_in_force(sealer: ColumnSealer) -> bool:
    keyring = sealer.keyring
    return keyring is current.cached and (keyring.is_stable or monotonic() < keyring.stale_after)


def quick_reader(field: Any, sealer: ColumnSealer) -> Callable[[Any, Any, Any], Any]:
    """Make `from_db_value` of a simple text column for one keyring.

    One flat closure, because it runs once per value of every SELECT: the same steps spread
    over methods took a third longer. Whatever is out of the ordinary goes to `field.read`:
    strict decoding refuses the `:` behind an index, `ENDINGS` an encoding that is not canonical.

    Raises nothing for a value that does not open; `field.read` gives its placeholder.
    """
    keyring, ciphers, careful = sealer.keyring, sealer.ciphers, field.read
    is_stable, stale_after = keyring.is_stable, keyring.stale_after

    def from_db_value(value: Any, expression: Any, connection: Any) -> Any:
        if value is None:
            return None
        try:
            decrypt, aad = ciphers[value[_PREFIX]]
            if (
                value[-2:] in ENDINGS
                and not len(value) & 3
                and current.cached is keyring
                and (is_stable or monotonic() < stale_after)
            ):
                nonce = a2b_base64(value[_NONCE], strict_mode=True)
                return decrypt(nonce, a2b_base64(value[_BOX], strict_mode=True), aad).decode()
        except (KeyError, TypeError, ValueError, InvalidTag):
            pass
        return careful(value)

    return from_db_value


def quick_writer(field: Any, sealer: ColumnSealer) -> Callable[[Any, Any], Any]:
    """Make `get_db_prep_save` of a simple text column for one keyring, flat for the same reason.

    Whatever is not a `str` goes to the method of the class.
    """
    keyring, key = sealer.keyring, sealer.keyring.sealing_key
    is_stable, stale_after = keyring.is_stable, keyring.stale_after
    prefix, encrypt, aad = key.prefix, key.field.encrypt, associated_data(key.prefix, sealer.tail)
    careful = type(field).get_db_prep_save

    def get_db_prep_save(value: Any, connection: Any) -> Any:
        if (
            value.__class__ is not str
            or current.cached is not keyring
            or not (is_stable or monotonic() < stale_after)
        ):
            return careful(field, value, connection)
        nonce = urandom(NONCE_BYTES)
        box = nonce + encrypt(nonce, value.encode(), aad)
        return prefix + b2a_base64(box, newline=False).decode()

    return get_db_prep_save


def quick_resealer(sealer: ColumnSealer) -> Callable[[str], str]:
    """Make the function that re-seals values without index that are not bound to their row.

    The function raises `OpenRefused` for a value that does not open. It is flat for the reason
    that `quick_reader` is: it runs once per value of a rotation.
    """
    ciphers, careful, seal = sealer.ciphers, sealer.open_with, sealer.seal
    key = sealer.keyring.sealing_key
    prefix, encrypt, new_aad = (
        key.prefix,
        key.field.encrypt,
        associated_data(key.prefix, sealer.tail),
    )

    def reseal(text: str) -> str:
        try:
            decrypt, aad = ciphers[text[_PREFIX]]
            if text[-2:] not in ENDINGS or len(text) & 3:
                return seal(careful(text, ()))
            nonce = a2b_base64(text[_NONCE], strict_mode=True)
            content = decrypt(nonce, a2b_base64(text[_BOX], strict_mode=True), aad)
        except (KeyError, TypeError, ValueError, InvalidTag):
            return seal(careful(text, ()))
        nonce = urandom(NONCE_BYTES)
        box = nonce + encrypt(nonce, content, new_aad)
        return prefix + b2a_base64(box, newline=False).decode()

    return reseal


def _new_sealer(field: Any) -> ColumnSealer:
    keyring = current.ring()
    sealer = ColumnSealer(
        keyring, contexts=field.contexts, lookups=field.lookups, find_key=current.opener
    )
    field.column_sealer = sealer
    if field.is_simple_text:
        field.from_db_value = quick_reader(field, sealer)
        if sealer.prefix:
            field.get_db_prep_save = quick_writer(field, sealer)
    return sealer
