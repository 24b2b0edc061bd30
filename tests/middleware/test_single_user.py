"""Single-user mode: every visitor is one regular account, and never an administrator."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model

from bt_security.middleware import single_user
from bt_security.testing import fixed_key

NAME = "alice@example.com"
PATHS = ("/whoami", "/whoami-async")


@pytest.fixture(autouse=True)
def _one_key():
    """A key that is not looked for again in the middle of a counted request."""
    with fixed_key():
        yield


@pytest.fixture
def alone(site):
    """A site of one user, whose account does not exist yet."""
    site.BT_SECURITY_SITE_SINGLE_USER = NAME
    single_user._log.cache_clear()
    return site


@pytest.fixture
def alice(alone, db):
    return get_user_model().objects.create_user(NAME, "a password of her own")


def name_seen(client, path="/whoami"):
    return client.get(path).json()["name"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_an_account_that_does_not_exist_leaves_visitors_anonymous(alone, visitor, caplog, path):
    assert name_seen(visitor, path) == name_seen(visitor, path) == ""
    (record,) = [each for each in caplog.records if each.name == "bt_security.accounts"]
    assert "does not exist" in record.getMessage()
    assert NAME not in record.getMessage()


@pytest.mark.feature("BT-38")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("change", [{"is_staff": True}, {"is_superuser": True}])
def test_an_administrator_is_never_attached(alice, visitor, change, path):
    """Single-user mode never makes a visitor an administrator."""
    type(alice).objects.filter(pk=alice.pk).update(**change)
    assert name_seen(visitor, path) == ""
    assert visitor.get("/admin/").status_code == 302


@pytest.mark.parametrize("path", PATHS)
def test_a_closed_account_is_not_attached(alice, visitor, path):
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    assert name_seen(visitor, path) == ""


@pytest.mark.feature("BT-38")
@pytest.mark.parametrize("path", PATHS)
def test_a_visitor_is_the_regular_account(alice, visitor, path):
    """In single-user mode a visitor is the regular account without a log-in."""
    assert name_seen(visitor, path) == NAME
    assert not visitor.cookies


@pytest.mark.feature("BT-38")
def test_the_admin_stays_closed_for_that_account(alice, visitor):
    """In single-user mode the admin sends the visitor to its log-in page."""
    response = visitor.get("/admin/")
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/admin/")


def test_who_has_logged_in_stays_who_they_are(alice, visitor):
    root = get_user_model().objects.create_superuser("root@example.com", "x")
    visitor.force_login(root)
    assert [name_seen(visitor, path) for path in PATHS] == ["root@example.com"] * 2
    assert visitor.get("/admin/").status_code == 200


def test_the_async_chain_attaches_it_too(alice, async_visitor):
    for path in PATHS:
        assert async_to_sync(async_visitor.get)(path).json()["name"] == NAME


def test_a_page_that_asks_for_nobody_costs_no_query(alice, visitor, django_assert_num_queries):
    with django_assert_num_queries(0):
        visitor.get("/static")


def test_a_page_that_asks_costs_one_query(alice, visitor, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert name_seen(visitor) == NAME


def test_without_the_setting_visitors_are_anonymous(alice, alone, visitor):
    alone.BT_SECURITY_SITE_SINGLE_USER = ""
    assert name_seen(visitor) == ""


def test_asking_in_both_ways_costs_one_query(alice, async_visitor, django_assert_num_queries):
    with django_assert_num_queries(1):
        answer = async_to_sync(async_visitor.get)("/whoami-twice")
    assert answer.json() == {"name": NAME, "again": NAME}
