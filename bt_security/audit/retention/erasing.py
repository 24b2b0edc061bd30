"""Erasing one person's data: the key goes, the entries stay as they are."""

from __future__ import annotations

import re

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from bt_security.audit.canonical import clean_text
from bt_security.audit.personal import SUBJECT_CHARS, erase_keys, forget
from bt_security.audit.recording import record
from bt_security.audit.retention.holds import holds_user
from bt_security.audit.writing import alias
from bt_security.exceptions import ErasureRefused

_SUBJECT = re.compile(r"(user):(.+)|anonymous:\d{4}-(0[1-9]|1[0-2])", re.ASCII | re.DOTALL)


def erase(subject: AbstractBaseUser | str) -> bool:
    """Make the personal data of a subject unreadable for good; return whether there were any.

    `subject` is a user, "user:ID", or "anonymous:YEAR-MONTH" for everybody who was not logged in
    that month. Its data key is deleted and "audit.erased" recorded, in one transaction. Hashes,
    MACs and seals stay valid. What entries say outside of the personal data stays, as do the
    primary keys of actor and target.

    Raises:
        ValueError: `subject` is of no such form.
        ErasureRefused: a legal hold names the user.
        ImproperlyConfigured: a legal hold is malformed.
        AuditUnavailable: it cannot be recorded, so nothing was erased.
    """
    name = subject if isinstance(subject, str) else f"user:{subject.pk}"
    form = _SUBJECT.fullmatch(name)
    if form is None:
        raise ValueError(f"no subject: {name!r}; it is user:ID or anonymous:YEAR-MONTH")
    user_id = form[2] or ""
    if user_id and holds_user(user_id):
        raise ErasureRefused("a legal hold names this user")
    stored = clean_text(name, max_chars=SUBJECT_CHARS)
    using = alias()
    target = f"{get_user_model()._meta.label_lower}:{user_id}" if user_id else None
    with transaction.atomic(using=using):
        # Before the key goes: where people erase themselves, the entry would make a new one.
        record("audit.erased", target=target, details={"subject": stored})
        count = erase_keys(stored)
        transaction.on_commit(forget, using=using)
    return count > 0
