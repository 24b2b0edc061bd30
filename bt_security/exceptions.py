"""Every error of the package, one per decision a caller can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class BTSecurityError(Exception):
    """Base of all errors that this package raises on purpose."""


class KeyRefused(BTSecurityError):
    """The keys at hand do not allow sealing; the message says what the operator has to do."""


class KeyStoreMissing(KeyRefused):
    """The table that holds the database key does not exist yet."""


class KeyMismatch(KeyRefused):
    """The configured operator key is not the one that this database was sealed with."""


class OpenRefused(BTSecurityError):
    """A stored value did not open. Subclasses say why; no message quotes value or key.

    `model`, `field` and `pk` name the place as far as it is known, `key_id` the key that the
    value asks for.
    """

    reason = "did not open"

    def __init__(
        self,
        *,
        model: str = "",
        field: str = "",
        pk: object = None,
        key_id: str = "",
        detail: str = "",
    ) -> None:
        self.model = model
        self.field = field
        self.pk = pk
        self.key_id = key_id
        self.detail = detail
        super().__init__(model, field, pk, key_id, detail)

    def __str__(self) -> str:
        place = ".".join(part for part in (self.model, self.field) if part)
        row = f" (primary key {self.pk!r})" if self.pk is not None else ""
        key = f", key id {self.key_id}" if self.key_id else ""
        detail = f": {self.detail}" if self.detail else ""
        return f"{place or 'sealed value'}{row}: {self.reason}{key}{detail}"

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.__dict__.copy()))

    def located(self, *, model: str, field: str, pk: object = None) -> OpenRefused:
        """Return the same refusal with the place filled in."""
        return type(self)(model=model, field=field, pk=pk, key_id=self.key_id, detail=self.detail)


def _rebuild(kind: type[OpenRefused], state: dict[str, object]) -> OpenRefused:
    error = kind()
    error.__dict__.update(state)
    return error


class WrongKey(OpenRefused):
    """No key that is configured here has the id that the value names."""

    reason = "sealed with a key that is not configured"


class RetiredKey(OpenRefused):
    """The value is sealed with the database key, which no longer opens anything here."""

    reason = "sealed with the retired database key"


class Tampered(OpenRefused):
    """The key is right and the value is not: changed, cut, or moved from another place."""

    reason = "changed, cut short or moved from another place"


class NotSealed(OpenRefused):
    """The stored text is not a sealed value."""

    reason = "the stored text is not a sealed value"


class BindingChanged(BTSecurityError):
    """A column that a sealed value is bound to changed, and the value cannot be re-sealed."""


class PlaintextLeft(BTSecurityError):
    """A column cannot be guarded, because rows in it are not sealed yet."""


class RotationRefused(BTSecurityError):
    """A rotation stopped before it changed anything, or undid what it had changed."""


class FetchRefused(BTSecurityError):
    """A URL leads, directly or by a redirect, to where the server may not connect."""


class FetchFailed(BTSecurityError):
    """A fetch that was allowed brought no usable answer: no connection, too slow or too large."""


class StoreUnavailable(BTSecurityError):
    """A server that this request needs, of sessions or counters, does not answer."""


class LocationUnavailable(BTSecurityError):
    """A provider cannot tell where an address is, now: it is down, or answers nonsense.

    `retry_after_seconds`: it asks to be left alone for so long. The text is logged, so it holds
    no address and no key.
    """

    def __init__(self, why: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(why)
        self.retry_after_seconds = retry_after_seconds


class AuditUnavailable(BTSecurityError):
    """An entry could not be stored, so the action it speaks of must not happen either."""


class SealingRefused(BTSecurityError):
    """The log was not sealed: no key may sign here, or the log is not what was sealed last."""


class PruningRefused(BTSecurityError):
    """Nothing was deleted from the log: no key may sign here, or the log is not what was sealed."""


class ExportRefused(BTSecurityError):
    """Entries of the log cannot be exported as asked."""


class ErasureRefused(BTSecurityError):
    """A person's data stay readable, because a legal hold names the person."""


class ProtectionRefused(BTSecurityError):
    """The database does not take the triggers; `statements` are what an administrator can run."""

    def __init__(self, why: str, *, statements: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.statements = tuple(statements)


class TokenRefused(BTSecurityError):
    """A token is not accepted. Its text never differs; `reason` is for reports, not for clients."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return "the token is not accepted"


class ImpersonationRefused(BTSecurityError):
    """Nobody may act as this account now. `reason` is for reports; the text never differs."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return "acting as this account is refused"


class TooManyTokens(BTSecurityError):
    """The user has as many API tokens as one may have."""


class ApiError(BTSecurityError):
    """A request of the JSON API is refused: the answer is this status, code and message."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.headers = headers
