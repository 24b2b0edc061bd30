"""Checks of a live site."""

from __future__ import annotations

import pytest

from bt_security.checks.deploy import check_foreign_formats, check_key_beside_data

pytestmark = pytest.mark.once

GOOD = "0123456789abcdefghijklmnopqrstuvwxyzABCD"


def test_sealed_columns_without_an_operator_key_are_w010():
    (warning,) = check_key_beside_data()
    assert warning.id == "bt_security.W010"
    assert "key and data are in the same database" in warning.msg


def test_an_old_operator_key_alone_is_w010(monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY_PREVIOUS", GOOD)
    assert len(check_key_beside_data()) == 1


def test_an_operator_key_passes(monkeypatch):
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
