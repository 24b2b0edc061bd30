"""A password to change that is hashed anew stays one: its row follows the hash."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password, is_password_usable
from django.db import models, router
from django.db.models.signals import post_save, pre_save
from django.views.decorators.debug import sensitive_variables

from bt_security.models import TemporaryPassword
from bt_security.models.temporary_password import digest_of

ONLY_PASSWORD = frozenset({"password"})
_ROW_PK = "_bt_security_row_to_tie"


def connect() -> None:
    """Connect the receivers; called where the feature `passwords` is on."""
    model = get_user_model()
    pre_save.connect(note_row, sender=model, dispatch_uid="bt_security.passwords.note_row")
    post_save.connect(tie_row, sender=model, dispatch_uid="bt_security.passwords.tie_row")


@sensitive_variables()
def note_row(
    sender: type[AbstractBaseUser],
    instance: AbstractBaseUser,
    raw: bool,
    using: str,
    update_fields: Collection[str] | None,
    **_: Any,
) -> None:
    """Note the row of a password to change that a save stores under another hash.

    No query where the save sets no password. The raw one is read, and noted nowhere.
    """
    vars(instance).pop(_ROW_PK, None)  # of a save that failed
    is_left_out = update_fields is not None and "password" not in update_fields
    if raw or is_left_out or instance._state.adding:
        return
    typed = getattr(instance, "_password", None)
    if typed is None and not _is_hashed_anew(instance, update_fields):
        return
    row = _rows().filter(user_id=instance.pk).first()
    if row is None:
        return
    own = sender._base_manager.using(using).filter(pk=instance.pk)
    stored = own.values_list("password", flat=True).first() or ""
    if digest_of(stored) == row.digest and (typed is None or check_password(typed, stored)):
        setattr(instance, _ROW_PK, row.pk)


def tie_row(instance: AbstractBaseUser, **_: Any) -> None:
    """Tie the row that was noted to the hash that is stored now."""
    row_pk = vars(instance).pop(_ROW_PK, None)
    if row_pk is not None:
        _rows().filter(pk=row_pk).update(digest=digest_of(instance.password))


def _is_hashed_anew(user: AbstractBaseUser, update_fields: Collection[str] | None) -> bool:
    """Whether the save is Django's after a right password, whose hash is out of date.

    Django has taken the raw password away by then; that nothing else is saved is how it is known.
    """
    is_alone = update_fields is not None and frozenset(update_fields) == ONLY_PASSWORD
    return is_alone and is_password_usable(user.password)


def _rows() -> models.QuerySet[TemporaryPassword]:
    return TemporaryPassword.objects.using(router.db_for_write(TemporaryPassword))
