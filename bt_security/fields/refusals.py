"""Errors that an attribute raises: ours, and for Django's lists "there is nothing to show".

Django's admin lists and templates show a blank for `ObjectDoesNotExist` and fail for any other
error, so without this one unreadable row would break a list.
"""

from __future__ import annotations

from django.core.exceptions import ObjectDoesNotExist

from bt_security.exceptions import NotSealed, OpenRefused, RetiredKey, Tampered, WrongKey


class WrongKeyHere(WrongKey, ObjectDoesNotExist):
    """`WrongKey` of an attribute."""


class RetiredKeyHere(RetiredKey, ObjectDoesNotExist):
    """`RetiredKey` of an attribute."""


class TamperedHere(Tampered, ObjectDoesNotExist):
    """`Tampered` of an attribute."""


class NotSealedHere(NotSealed, ObjectDoesNotExist):
    """`NotSealed` of an attribute."""


_HERE = (WrongKeyHere, RetiredKeyHere, TamperedHere, NotSealedHere)


def refusal_here(error: OpenRefused, *, model: str, field: str, pk: object) -> OpenRefused:
    """Return `error` with the place filled in, as the attribute raises it."""
    for kind in _HERE:
        if isinstance(error, kind.__bases__[0]):
            return kind(model=model, field=field, pk=pk, key_id=error.key_id, detail=error.detail)
    return error.located(model=model, field=field, pk=pk)
