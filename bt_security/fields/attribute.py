"""What `instance.field` does: give the plaintext, or raise why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models.query_utils import DeferredAttribute

from bt_security.exceptions import OpenRefused
from bt_security.fields.binding import loaded_binding
from bt_security.fields.refusals import refusal_here
from bt_security.fields.values import LoadedSealed, Unreadable

if TYPE_CHECKING:
    from django.db.models import Model


class SealedAttribute(DeferredAttribute):
    """The attribute of an encrypted field whose values were opened when the row was loaded.

    It is a data descriptor, so that an unreadable value raises when it is read and not when
    its row is loaded: one bad row never breaks a list. A field takes Django's plain attribute
    until its first unreadable value appears, see `EncryptedFieldMixin.watch_attribute`.
    """

    def __init__(self, field: Any) -> None:
        super().__init__(field)
        self.attname: str = field.attname

    def __get__(self, instance: Model | None, owner: type[Model] | None = None) -> Any:
        if instance is None:
            return self
        try:
            value = instance.__dict__[self.attname]
        except KeyError:
            return super().__get__(instance, owner)
        if value.__class__ is Unreadable:
            raise self._refusal(value.error, instance)
        return value

    def __set__(self, instance: Model, value: Any) -> None:
        instance.__dict__[self.attname] = value

    def _refusal(self, error: OpenRefused, instance: Model) -> OpenRefused:
        key = instance._meta.pk.attname if instance._meta.pk else "id"
        return refusal_here(
            error,
            model=instance._meta.label,
            field=self.field.name,
            pk=instance.__dict__.get(key),
        )


class BoundAttribute(SealedAttribute):
    """The attribute of an encrypted field that is bound to columns of its row."""

    def __get__(self, instance: Model | None, owner: type[Model] | None = None) -> Any:
        value = super().__get__(instance, owner)
        if value.__class__ is not LoadedSealed or instance is None:
            return value
        if not value.is_open:
            value.opened = self._open(value, instance)
            value.is_open = True
        if isinstance(value.opened, (dict, list)):
            # It may be changed in place, and the next save has to see that.
            instance.__dict__[self.attname] = value.opened
        return value.opened

    def _open(self, value: LoadedSealed, instance: Model) -> Any:
        field: Any = self.field
        try:
            return field.open_text(value.text, loaded_binding(instance, field))
        except OpenRefused as error:
            raise self._refusal(error, instance) from None
