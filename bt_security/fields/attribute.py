"""What `instance.field` does: give the plaintext, or raise why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models.query_utils import DeferredAttribute

from bt_security.exceptions import OpenRefused
from bt_security.fields.binding import loaded_binding
from bt_security.fields.values import Sealed, Unreadable

if TYPE_CHECKING:
    from django.db.models import Model


class SealedAttribute(DeferredAttribute):
    """The attribute of an encrypted field whose values were opened when the row was loaded.

    It is a data descriptor, so that an unreadable value raises when it is read and not when
    its row is loaded: one bad row never breaks a list.
    """

    def __init__(self, field: Any) -> None:
        super().__init__(field)
        self.attname: str = field.attname

    def __get__(self, instance: Model | None, owner: type[Model] | None = None) -> Any:
        try:
            value = instance.__dict__[self.attname]  # type: ignore[union-attr]
        except (AttributeError, KeyError):
            return super().__get__(instance, owner)
        if value.__class__ is Unreadable:
            raise self._located(value, instance)
        return value

    def __set__(self, instance: Model, value: Any) -> None:
        instance.__dict__[self.attname] = value

    def _located(self, value: Unreadable, instance: Model) -> OpenRefused:
        return value.refusal(
            model=instance._meta.label,
            field=self.field.name,
            pk=instance.__dict__.get(instance._meta.pk.attname if instance._meta.pk else "id"),
        )


class LoadedSealed(Sealed):
    """A bound value as it came from the database: opened when the attribute is read."""

    __slots__ = ("_plaintext",)

    def plaintext(self, instance: Model, field: Any) -> Any:
        """Open the value with the columns its row was loaded with, once.

        Raises:
            WrongKey, RetiredKey, Tampered, NotSealed: with model, field and primary key.
        """
        try:
            return self._plaintext
        except AttributeError:
            pass
        try:
            opened = field.open_text(self.text, loaded_binding(instance, field))
        except OpenRefused as error:
            raise error.located(
                model=instance._meta.label, field=field.name, pk=instance.pk
            ) from None
        self._plaintext = opened
        return opened


class BoundAttribute(SealedAttribute):
    """The attribute of an encrypted field that is bound to columns of its row."""

    def __get__(self, instance: Model | None, owner: type[Model] | None = None) -> Any:
        value = super().__get__(instance, owner)
        if value.__class__ is LoadedSealed and instance is not None:
            return value.plaintext(instance, self.field)
        return value
