"""The name of a refused log-in: what was typed, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import MultipleObjectsReturned, ObjectDoesNotExist
from django.db import DataError

from bt_security.exceptions import OpenRefused


def typed_name(credentials: Mapping[str, Any]) -> str:
    """Return the log-in name among the credentials of `user_login_failed`, "" if there is none."""
    field = get_user_model().USERNAME_FIELD
    return str(credentials.get(field) or credentials.get("username") or "")


def account_named(name: str) -> AbstractBaseUser | None:
    """Return the account of a log-in name, None if there is not one. One query, "" asks nothing."""
    if not name:
        return None
    try:
        user: AbstractBaseUser = get_user_model()._default_manager.get_by_natural_key(name)
    except (ObjectDoesNotExist, MultipleObjectsReturned, ValueError, DataError, OpenRefused):
        return None  # ValueError, DataError: a name that the database cannot hold, as with NUL
    return user
