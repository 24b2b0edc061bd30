"""A token that was found good: what it says, and how it is used up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import OperationalError, connections, transaction

from bt_security.conf.tokens import Purpose
from bt_security.exceptions import TokenRefused
from bt_security.signals import report
from bt_security.tokens import binding, ledger
from bt_security.tokens.signed_text import Payload

DEADLOCK = 1213
"""Number of the error by which MariaDB and MySQL end a transaction; it did nothing."""

ATTEMPTS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """What a good token says. The token itself is not in it.

    `subject` is the primary key of the user as text, or the text that the token was issued for.
    Nothing is used up until `consume` or `consuming`.
    """

    purpose: str
    token_id: UUID
    expires_at: datetime
    max_uses: int
    subject: str = field(repr=False)
    data: dict[str, Any] = field(repr=False)
    account: AbstractBaseUser | None = field(repr=False)
    _purpose: Purpose = field(repr=False)
    _mark: str = field(repr=False)

    @property
    def user(self) -> AbstractBaseUser:
        """The user that the token acts on.

        Raises:
            TypeError: tokens of this purpose act on no account.
        """
        if self.account is None:
            raise TypeError(f"a token of the purpose {self.purpose} acts on no account")
        return self.account

    def consume(self) -> None:
        """Use the token up, in the caller's transaction or one of its own.

        Comes after all checks and before the change. Reports `tokens.redeemed`.

        Raises:
            TokenRefused: somebody else was faster, or the account has changed meanwhile.
        """
        with self.consuming():
            pass

    @contextmanager
    def consuming(self) -> Iterator[None]:
        """Use the token up and make the change, both or neither, in one transaction.

        The change is the body of the `with` statement. The user's row is locked until its end.

        Raises:
            TokenRefused: before the body: somebody else was faster, or the account has changed.
        """
        is_used = False
        try:
            with ExitStack() as transactions:
                self._begin(transactions)
                is_used = True
                yield
        except TokenRefused as refusal:
            if not is_used:  # after the rollback, which would take an entry of it back
                report_refusal(self.purpose, refusal, token_id=self.token_id)
            raise

    def _begin(self, transactions: ExitStack) -> None:
        """Open the transactions and use the token up in them.

        Where the first of several that wait for one row gives up, MariaDB and MySQL end all of
        them but one as a deadlock: those begin again, unless the caller's transaction is lost.
        """
        aliases = {ledger.alias()}
        if self._purpose.acts_on_account:
            aliases.add(binding.users_alias())
        attempts = 1 if any(connections[name].in_atomic_block for name in aliases) else ATTEMPTS
        for left in reversed(range(attempts)):
            try:
                with ExitStack() as opened:
                    for name in sorted(aliases):
                        opened.enter_context(transaction.atomic(using=name))
                    self._use_up()
                    transactions.push(opened.pop_all())
                return
            except OperationalError as error:
                if not left or error.args[:1] != (DEADLOCK,):
                    raise

    def _use_up(self) -> None:
        ledger.use(
            self.token_id,
            purpose=self.purpose,
            expires_at=self.expires_at,
            max_uses=self.max_uses,
        )
        if self._purpose.acts_on_account:
            binding.bound_user(self._purpose, self.subject, self._mark, is_locked=True)
        report("tokens.redeemed", target=self.target, details=self._details())

    @property
    def target(self) -> str:
        """The user as reports name them; "" for tokens that act on no account."""
        return f"user:{self.subject}" if self._purpose.acts_on_account else ""

    def _details(self) -> dict[str, str]:
        return {"purpose": self.purpose, "token_id": str(self.token_id)}


def claim_of(purpose: Purpose, payload: Payload) -> Claim:
    """Return the claim of a payload whose signature and time are right.

    Raises:
        TokenRefused: used up, revoked, or the account is not what it was.
    """
    ledger.require_unused(payload.token_id, max_uses=payload.uses)
    account = None
    if purpose.acts_on_account:
        account = binding.bound_user(purpose, payload.sub, payload.acc)
    return Claim(
        purpose=purpose.name,
        token_id=payload.token_id,
        expires_at=payload.expires_at,
        max_uses=payload.uses,
        subject=payload.sub,
        data=payload.data,
        account=account,
        _purpose=purpose,
        _mark=payload.acc,
    )


def report_refusal(purpose: str, refusal: TokenRefused, *, token_id: UUID | None = None) -> None:
    """Report `tokens.refused` with the reason that no client is told."""
    details = {"purpose": purpose, "reason": refusal.reason}
    if token_id is not None:
        details["token_id"] = str(token_id)
    report("tokens.refused", outcome="refused", details=details)
