"""What ends sessions besides their limits, while the feature is on.

Password, `is_active`, `is_staff`, `is_superuser` and deletion need no receiver: every load judges
them.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models.signals import m2m_changed, pre_delete
from django.http import HttpRequest

from bt_security.sessions import epochs, own
from bt_security.sessions.store import SealedSession
from bt_security.signals import backup_restored, credentials_changed

CHANGES = frozenset({"post_add", "post_remove", "pre_clear"})
"""When a relation changes; what `clear` takes away is known only before it."""


def connect() -> None:
    """Connect the receivers; called where the feature `sessions` is on."""
    user_logged_in.connect(renew, dispatch_uid="bt_security.sessions.renew")
    credentials_changed.connect(end_others, dispatch_uid="bt_security.sessions.end_others")
    backup_restored.connect(end_everybody, dispatch_uid="bt_security.sessions.end_everybody")
    for name in ("groups", "user_permissions"):
        if through := _through(get_user_model(), name):
            m2m_changed.connect(
                end_of_changed_users, sender=through, dispatch_uid=f"bt_security.sessions.{name}"
            )
    m2m_changed.connect(
        end_of_changed_groups,
        sender=Group.permissions.through,
        dispatch_uid="bt_security.sessions.permissions",
    )
    pre_delete.connect(
        end_of_deleted_group, sender=Group, dispatch_uid="bt_security.sessions.group"
    )


def _through(model: type[models.Model], name: str) -> type[models.Model] | None:
    try:
        relation: Any = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    through: type[models.Model] | None = getattr(relation.remote_field, "through", None)
    return through


def renew(request: HttpRequest | None, **_: Any) -> None:
    """Give every log-in a key, public id and limits of its own, also a second one of a user."""
    session = getattr(request, "session", None)
    if isinstance(session, SealedSession):
        session.begin()


def end_others(user: AbstractBaseUser, request: HttpRequest | None = None, **_: Any) -> None:
    """End the sessions of a user whose credentials have changed, but that of the request."""
    if request is None or request.user.pk != user.pk:  # somebody else has changed them
        own.revoke_all(user)
    else:
        own.revoke_others(request)
        own.rotate(request)


def end_everybody(**_: Any) -> None:
    """End all sessions."""
    own.revoke_everybody()


def end_of_changed_users(
    action: str,
    reverse: bool,
    instance: models.Model,
    model: type[models.Model],
    pk_set: set[Any] | None,
    **_: Any,
) -> None:
    """End the sessions of users whose groups or permissions change.

    An empty `pk_set` is that of what was there already; None is a clear, of what is there.
    """
    if action not in CHANGES or pk_set == set():
        return
    if not reverse:
        own = epochs.with_pks([instance.pk])
        _end(own if pk_set else own.filter(**{f"{_relation_to(model)}__isnull": False}))
    elif pk_set:
        _end(epochs.with_pks(list(pk_set)))
    else:
        found = {_relation_to(type(instance)): instance.pk}
        _end(get_user_model()._base_manager.filter(**found))


def _relation_to(model: type[models.Model]) -> str:
    return "groups" if issubclass(model, Group) else "user_permissions"


def end_of_changed_groups(
    action: str, reverse: bool, instance: models.Model, pk_set: set[Any] | None, **_: Any
) -> None:
    """End the sessions of the members of groups whose permissions change."""
    if action not in CHANGES or pk_set == set():
        return
    if not reverse:
        own = Group.objects.filter(pk=instance.pk)
        _end_members(own if pk_set else own.filter(permissions__isnull=False))
    elif pk_set:
        _end_members(Group.objects.filter(pk__in=pk_set))
    else:
        _end_members(Group.objects.filter(permissions=instance.pk))


def end_of_deleted_group(instance: Group, **_: Any) -> None:
    """End the sessions of the members of a group that is deleted."""
    _end_members(Group.objects.filter(pk=instance.pk))


def _end_members(groups: models.QuerySet[Group]) -> None:
    if _through(get_user_model(), "groups") is not None:
        _end(get_user_model()._base_manager.filter(groups__in=groups))


def _end(users: models.QuerySet[Any]) -> None:
    """Raise their numbers by one statement; the load of each session reports that it is over."""
    epochs.change_rights(users)
