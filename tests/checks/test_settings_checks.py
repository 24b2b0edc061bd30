"""Checks of settings, key environment and SECRET_KEY."""

from __future__ import annotations

import pytest
from django.core.checks import ERROR, WARNING
from django.core.checks.registry import registry

from bt_security.checks import finding, register
from bt_security.checks.deploy import DEPLOY_CHECKS
from bt_security.checks.settings import (
    SETTINGS_CHECKS,
    check_environment,
    check_key_database,
    check_names,
    check_secret_key,
    check_users,
    check_values,
)

pytestmark = pytest.mark.once


def ids(messages) -> list[str]:
    return [message.id.removeprefix("bt_security.") for message in messages]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("KEYS_DATABASE", 1, "must be of type str: found int"),
        ("KEYS_ACCEPT_DATABASE_KEY", "yes", "must be of type bool: found str"),
        ("KEYS_AUTO_RESEAL_MAX_VALUES", -1, "0 or more is allowed"),
        ("KEYS_FOREIGN_FORMATS", {"a.B.c": "x"}, "found str"),
        ("FEATURES", "audit", "must be of type list[str]: found str"),
    ],
)
def test_a_wrong_type_or_range_is_e001(settings, name, value, text):
    setattr(settings, f"BT_SECURITY_{name}", value)
    (error,) = check_values()
    assert (error.id, error.level) == ("bt_security.E001", ERROR)
    assert error.msg.startswith(f"BT_SECURITY_{name} ")
    assert text in error.msg


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["sesions"], "'sesions' is not known, did you mean 'sessions'?"),
        (["audit", "audit"], "'audit' stands there twice"),
    ],
)
def test_an_unknown_or_doubled_feature_is_e002(settings, value, text):
    settings.BT_SECURITY_FEATURES = value
    (error,) = check_values()
    assert error.id == "bt_security.E002"
    assert text in error.msg


def test_every_refused_value_is_reported(settings):
    settings.BT_SECURITY_FEATURES = ["nothing"]
    settings.BT_SECURITY_KEYS_DATABASE = None
    assert ids(check_values()) == ["E002", "E001"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("BT_SECURITY_FEATURE", "BT_SECURITY_FEATURES"),
        ("BT_SECURITY_KEY_DATABASE", "BT_SECURITY_KEYS_DATABASE"),
        ("BT_SECRUITY_FEATURES", "BT_SECURITY_FEATURES"),
    ],
)
def test_a_misspelt_name_is_w001_with_the_nearest(settings, name, nearest):
    setattr(settings, name, [])
    (warning,) = check_names()
    assert (warning.id, warning.level) == ("bt_security.W001", WARNING)
    assert warning.msg.startswith(f"{name} is not a setting")
    assert warning.hint.startswith(f"Did you mean {nearest}?")


def test_a_name_like_no_other_is_w001_without_a_guess(settings):
    settings.BT_SECURITY_ZZZZZZZZZZZZZZZZZZZZ = 1
    (warning,) = check_names()
    assert warning.hint.startswith("Remove it.")


@pytest.mark.parametrize(
    "name", ["SECURITY_FEATURES", "MY_BT_SECURITY_FEATURES", "BTREE_FEATURES", "USE_TZ"]
)
def test_a_name_of_the_site_or_of_django_is_left_alone(settings, name):
    setattr(settings, name, True)
    assert check_names() == []


def test_an_unknown_key_database_is_e003(settings):
    settings.BT_SECURITY_KEYS_DATABASE = "nowhere"
    (error,) = check_key_database()
    assert error.id == "bt_security.E003"
    assert "'nowhere'" in error.msg
    assert error.hint.startswith("Known aliases: default, ")


def test_a_key_database_of_a_wrong_type_is_left_to_e001(settings):
    settings.BT_SECURITY_KEYS_DATABASE = 1
    assert check_key_database() == []


def test_a_known_key_database_passes(settings):
    settings.BT_SECURITY_KEYS_DATABASE = "other"
    assert check_key_database() == []


def test_a_bad_operator_key_is_e004(monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "short")
    (error,) = check_environment()
    assert error.id == "bt_security.E004"
    assert error.msg.startswith("TOKEN_ENCRYPTION_KEY is refused: it has 5 bytes")


def test_an_environment_without_keys_passes():
    assert check_environment() == []


@pytest.mark.parametrize("value", ["short", ""])
def test_a_short_or_empty_secret_key_is_e005(settings, value):
    settings.SECRET_KEY = value
    (error,) = check_secret_key()
    assert error.id == "bt_security.E005"
    assert error.msg.startswith(("SECRET_KEY has 5 bytes", "The SECRET_KEY setting must not be"))


def test_a_long_secret_key_passes(settings):
    settings.SECRET_KEY = "a secret key of 32 bytes or more"
    assert check_secret_key() == []


def test_a_finding_points_to_the_docs():
    message = finding("E001", "Wrong.", hint="Do this.")
    assert message.hint == "Do this. More in the repository: docs/checks.md#e001."


def test_the_checks_are_registered_once():
    register()
    before = registry.get_checks(include_deployment_checks=True)
    register()
    after = registry.get_checks(include_deployment_checks=True)
    assert len(before) == len(after)
    assert {*SETTINGS_CHECKS, *DEPLOY_CHECKS} <= set(after)


def test_deploy_checks_run_with_deploy_only():
    register()
    assert not set(DEPLOY_CHECKS) & set(registry.get_checks())


def test_the_checks_run_under_their_own_tag(settings):
    settings.BT_SECURITY_KEYS_DATABASE = "nowhere"
    register()
    assert "E003" in ids(registry.run_checks(tags=["bt_security"], databases=[]))


def test_a_site_without_users_is_told_what_its_tables_need(settings):
    settings.AUTH_USER_MODEL = "missing.User"
    (found,) = check_users()
    assert found.id == "bt_security.E006"
    assert "django.contrib.auth" in found.hint
