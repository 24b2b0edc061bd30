"""Log-ins with a temporary password: one that has run out is wrong, as any other wrong one is."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.models import TemporaryPassword

_TYPED = "_bt_security_typed_password"
_ROW = "_bt_security_temporary_password"


@sensitive_variables()
def refuse_run_out(request: HttpRequest | None, name: str, password: str) -> None:
    """Refuse every password of an account whose temporary one has run out.

    The same queries for every name, and for the refusal the work of a wrong password.

    Raises:
        PermissionDenied: it has run out; Django then asks no other backend.
    """
    if not conf.has_feature("passwords"):
        return
    user = _user_of(name)
    row = TemporaryPassword.objects.tied_to(user)
    if request is not None:
        setattr(request, _TYPED, True)
        setattr(request, _ROW, row)
    if user is not None and row is not None and row.is_over():
        _user_of(name)  # as Django's backend does, and then without its hashing anew:
        check_password(password, user.password)  # the row would not be tied to that
        raise PermissionDenied


def is_by_password(request: HttpRequest) -> bool:
    """Whether a password was typed in this request."""
    return getattr(request, _TYPED, False)


def row_before(request: HttpRequest) -> TemporaryPassword | None:
    """Return the row of the account that a password was typed for, as it was before.

    Django may have hashed the right password anew since.
    """
    row: TemporaryPassword | None = getattr(request, _ROW, None)
    return row


def _user_of(name: str) -> AbstractBaseUser | None:
    try:
        found: AbstractBaseUser = get_user_model()._default_manager.get_by_natural_key(name)
    except ObjectDoesNotExist:
        return None
    return found
