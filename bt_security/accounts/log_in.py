"""Log-in by name and password, with one refusal for every reason."""

from __future__ import annotations

from http import HTTPStatus

from django import forms
from django.contrib.auth import authenticate, login
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from bt_security import web
from bt_security.ratelimit import enforce
from bt_security.ratelimit.login import OPERATION, credit

MAX_NAME_CHARS = 1_000

INVALID_CREDENTIALS = web.define_error(
    "INVALID_CREDENTIALS",
    HTTPStatus.UNAUTHORIZED,
    "Name or password is wrong, or the account may not log in.",
)


class LogInForm(forms.Form):
    """What a program sends to log in. A password that is too long is a wrong one."""

    username = UsernameField(max_length=MAX_NAME_CHARS)
    password = forms.CharField(strip=False, widget=forms.PasswordInput)


@sensitive_variables()
def log_in(request: HttpRequest, *, username: str, password: str) -> AbstractBaseUser | None:
    """Log somebody in as Django's form would, and return the user; None is a refusal.

    Counts as one hit on `login`, also where `LimitedBackend` counts. The session gets
    a new key, and the browser a new CSRF token.

    Raises:
        ApiError: 429, the budget of the address, account or device is used up.
        StoreUnavailable: the store takes no new session.
    """
    credit(request, enforce(OPERATION, request, account=username), account=username)
    user = authenticate(request, username=username, password=password)
    if user is None:
        return None
    if not user.is_active:  # a backend may let them through, and Django's form refuses them too
        user_login_failed.send(sender=__name__, credentials={"username": username}, request=request)
        return None
    try:
        login(request, user)
    except PermissionDenied:  # a temporary password has run out
        return None
    return user
