"""The request in which entries are recorded, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest

from bt_security.audit.scopes import in_request

ACTION = "model.changed"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BACKEND = "django.contrib.auth.backends.ModelBackend"
DETAILS = {
    "changes": {
        "amount": ["1234.50", "1300.00"],
        "note": ["The quick brown fox jumps over it", "changed: the quick brown fox"],
    }
}


def made_request(name: str = "reader") -> HttpRequest:
    """Return the request of a user who is logged in; its session is loaded, as after `login`."""
    users = get_user_model()._default_manager
    user = users.filter(username=name).first() or users.create_user(username=name)
    request = HttpRequest()
    request.META.update(
        HTTP_USER_AGENT=AGENT, REMOTE_ADDR="192.0.2.7", SERVER_NAME="testserver", SERVER_PORT="80"
    )
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    login(request, user, backend=BACKEND)
    request.session.save()
    request.bt_request_id = "0198c7a5c2f37d0e9a4f5b6c7d8e9f00"
    return request


@contextmanager
def in_made_request(name: str = "reader") -> Iterator[None]:
    """Attribute the entries of this block to a user who is logged in."""
    with in_request(made_request(name)):
        yield
