"""What ends the session of another browser, on its next request."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission

from bt_security import sessions
from bt_security.signals import backup_restored, credentials_changed
from tests.sessions.conftest import browser, is_in, key_of, make_user, with_key

User = get_user_model()


def set_password(user):
    user.set_password("Another-horse-8")
    user.save()


def stored(user):
    return User.objects.filter(pk=user.pk)


def some_permission():
    return Permission.objects.first()


def group_with(user):
    group = Group.objects.create(name="clerks")
    group.user_set.add(user)
    return group


DIRECT = {
    "password change": set_password,
    "password by update": lambda user: stored(user).update(password=""),
    "deactivation": lambda user: stored(user).update(is_active=False),
    "staff by update": lambda user: stored(user).update(is_staff=True),
    "superuser by update": lambda user: stored(user).update(is_superuser=True),
    "deletion": lambda user: stored(user).delete(),
    "group added": lambda user: user.groups.add(Group.objects.create(name="a")),
    "added to group": lambda user: Group.objects.create(name="a").user_set.add(user),
    "permission added": lambda user: user.user_permissions.add(some_permission()),
    "user added to permission": lambda user: some_permission().user_set.add(user),
    "credentials changed": lambda user: credentials_changed.send(None, user=user, request=None),
    "backup restored": lambda user: backup_restored.send(None),
    "revoke_all": sessions.revoke_all,
    "revoke": lambda user: sessions.revoke(sessions.for_user(user)[0].id),
    "revoke_everybody": lambda user: sessions.revoke_everybody(),
}

IN_GROUP = {
    "removed from group": lambda user, group: user.groups.remove(group),
    "group removes": lambda user, group: group.user_set.remove(user),
    "groups cleared": lambda user, group: user.groups.clear(),
    "members cleared": lambda user, group: group.user_set.clear(),
    "group gets permission": lambda user, group: group.permissions.add(some_permission()),
    "permission gets group": lambda user, group: some_permission().group_set.add(group),
    "group deleted": lambda user, group: group.delete(),
}


@pytest.mark.feature("BT-35")
@pytest.mark.parametrize("path", ["/who/", "/who-async/", "/bare/"])
@pytest.mark.parametrize("change", DIRECT.values(), ids=DIRECT)
def test_change_ends_the_other_browser(engine, user, change, path):
    """A password change, a role change and a deactivation end the user's sessions at once."""
    client = browser(user)
    assert is_in(client, path)
    change(user)
    assert not is_in(client, path)


@pytest.mark.parametrize("change", IN_GROUP.values(), ids=IN_GROUP)
def test_change_of_a_group_ends_the_sessions_of_its_members(engine, user, change):
    group = group_with(user)
    client = browser(user)
    change(user, group)
    assert not is_in(client)


def test_a_cleared_permission_ends_the_sessions_of_its_groups(engine, user):
    group = group_with(user)
    group.permissions.add(some_permission())
    client = browser(user)
    some_permission().group_set.clear()
    assert not is_in(client)


def test_cleared_permissions_of_a_group_end_the_sessions_of_its_members(engine, user):
    group = group_with(user)
    group.permissions.add(some_permission())
    client = browser(user)
    group.permissions.clear()
    assert not is_in(client)


def test_cleared_permissions_of_a_user_end_the_own_sessions(engine, user):
    user.user_permissions.add(some_permission())
    client = browser(user)
    user.user_permissions.clear()
    assert not is_in(client)


def test_a_cleared_permission_ends_the_sessions_of_its_users(engine, user):
    user.user_permissions.add(some_permission())
    client = browser(user)
    some_permission().user_set.clear()
    assert not is_in(client)


NOTHING_CHANGES = {
    "group added again": lambda user, group: user.groups.add(group),
    "user added to the group again": lambda user, group: group.user_set.add(user),
    "permission added again": lambda user, group: group.permissions.add(some_permission()),
    "group added to the permission again": lambda user, group: some_permission().group_set.add(
        group
    ),
    "permissions cleared without one": lambda user, group: user.user_permissions.clear(),
    "members of another group cleared": lambda user, group: Group.objects.create(
        name="empty"
    ).user_set.clear(),
    "users of a permission cleared": lambda user, group: some_permission().user_set.clear(),
}


@pytest.mark.parametrize("change", NOTHING_CHANGES.values(), ids=NOTHING_CHANGES)
def test_a_relation_that_stays_as_it_was_ends_nothing(engine, user, change):
    group = group_with(user)
    group.permissions.add(some_permission())
    client = browser(user)
    change(user, group)
    assert is_in(client)


def test_groups_and_permissions_cleared_of_nothing_end_nothing(engine, user):
    client = browser(user)
    user.groups.clear()
    assert is_in(client)
    group = group_with(user)
    client = browser(user)
    group.permissions.clear()
    assert is_in(client)


def test_others_stay(engine, user):
    other = browser(make_user("peter"))
    sessions.revoke_all(user)
    set_password(user)
    assert is_in(other)


@pytest.mark.feature("BD-09")
def test_a_disabled_user_is_out_on_the_next_request(engine, user):
    """A disabled user loses access on the next request, not when the session would have ended."""
    client = browser(user)
    stored(user).update(is_active=False)
    assert client.get("/who/").json() == {"user": None}


@pytest.mark.feature("TK-66")
def test_a_password_change_keeps_the_own_session(engine, user):
    """A password change ends the user's other sessions and keeps the one it was made in."""
    other, own = browser(user), browser(user)
    old = key_of(own)
    own.post("/change-password/", {"password": "Another-horse-8"})
    assert is_in(own)
    assert key_of(own) != old
    assert not is_in(other)


def test_a_session_that_rotates_with_its_rights_goes_on(engine, user):
    other, own = browser(user), browser(user)
    old = key_of(own)
    own.post("/promote/")
    assert is_in(own)
    assert not is_in(with_key(old))
    assert not is_in(other)


def test_credentials_changed_keeps_the_session_of_the_request(engine, user, rf):
    other, own = browser(user), browser(user)
    request = rf.get("/")
    request.user, request.session = user, own.session
    credentials_changed.send(None, user=user, request=request)
    assert is_in(with_key(request.session.session_key))
    assert not is_in(other)


def test_credentials_changed_by_somebody_else_end_all_of_the_user_and_none_of_theirs(
    engine, user, rf
):
    client, admin = browser(user), make_user("admin")
    own, second = browser(admin), browser(admin)
    request = rf.get("/")
    request.user, request.session = admin, own.session
    credentials_changed.send(None, user=user, request=request)
    assert not is_in(client)
    assert is_in(own)
    assert is_in(second)


def test_an_ended_session_is_reported_once(engine, user, events):
    client = browser(user)
    stored(user).update(is_staff=True)
    events.clear()
    is_in(client)
    is_in(client)
    assert [(event.action, event.reason) for event in events] == [("session.ended", "role_changed")]


def test_a_save_does_not_revive_a_revoked_session(engine, user):
    client = browser(user)
    session = client.session
    session.load()
    sessions.revoke_all(user)
    session["late"] = 1
    session.save()
    assert not is_in(client)


def test_a_new_key_does_not_revive_a_revoked_session(engine, user):
    client = browser(user)
    session = client.session
    assert session["_auth_user_id"]
    sessions.revoke(sessions.for_user(user)[0].id)
    session.cycle_key()
    session.save()
    assert not is_in(with_key(session.session_key))


@pytest.mark.feature("BD-27")
def test_who_is_no_administrator_any_more_is_out_of_the_admin_at_once(engine, db):
    """The right to the admin is read anew for each request: taken away, the next one is refused."""
    boss = make_user("boss", is_staff=True, is_superuser=True)
    client = browser(boss)
    assert client.get("/admin/").status_code == 200
    stored(boss).update(is_staff=False)
    answer = client.get("/admin/")
    assert (answer.status_code, "/admin/login/" in answer["Location"]) == (302, True)
    assert client.get("/admin/login/").status_code == 200
