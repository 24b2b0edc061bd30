"""Checks of a live site."""

from __future__ import annotations

import pytest

from bt_security.checks.deploy import (
    check_database_key_is_accepted,
    check_foreign_formats,
    check_key_beside_data,
)

pytestmark = pytest.mark.once

GOOD = "0123456789abcdefghijklmnopqrstuvwxyzABCD"


@pytest.mark.feature("BT-28")
def test_sealed_columns_without_an_operator_key_are_w010():
    """`check --deploy` says that the database key lies beside the data that it protects."""
    (warning,) = check_key_beside_data()
    assert warning.id == "bt_security.W010"
    assert "key and data are in the same database" in warning.msg


def test_an_old_operator_key_alone_is_w010(monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY_PREVIOUS", GOOD)
    assert len(check_key_beside_data()) == 1


@pytest.mark.feature("BT-28")
def test_an_operator_key_passes(monkeypatch):
    """With a key in the environment the deployment check about the database key is silent."""
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", GOOD)
    assert check_key_beside_data() == []


def test_a_bad_operator_key_is_left_to_e004(monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "short")
    assert check_key_beside_data() == []


def test_a_site_without_sealed_columns_passes(settings):
    settings.INSTALLED_APPS = ["django.contrib.contenttypes"]
    assert check_key_beside_data() == []


def test_foreign_formats_are_w011_with_their_columns(settings):
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {"b.B.b": ["x.y"], "a.A.a": ["x.y"]}
    (warning,) = check_foreign_formats()
    assert warning.id == "bt_security.W011"
    assert warning.msg.endswith("is still set for a.A.a, b.B.b.")


def test_foreign_formats_of_a_wrong_type_are_left_to_e001(settings):
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = ["a.A.a"]
    assert check_foreign_formats() == []


def test_a_site_without_foreign_formats_passes():
    assert check_foreign_formats() == []


def test_a_database_key_that_may_still_open_values_is_w012(monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", GOOD)
    (warning,) = check_database_key_is_accepted()
    assert warning.id == "bt_security.W012"
    assert "BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False" in warning.hint


def test_a_site_that_refuses_the_database_key_passes(monkeypatch, settings):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", GOOD)
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    assert check_database_key_is_accepted() == []


def test_a_site_on_its_database_key_is_left_to_w010():
    assert check_database_key_is_accepted() == []


def test_bad_keys_and_settings_are_left_to_their_own_checks(monkeypatch, settings):
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = "no"
    assert check_database_key_is_accepted() == []
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "short")
    assert check_database_key_is_accepted() == []
