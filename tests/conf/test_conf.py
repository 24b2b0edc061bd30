"""The settings this package declares."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security.conf import FEATURES, conf

pytestmark = pytest.mark.once

DECLARED = list(conf.iter_settings())
DEFAULTS = {declared.name.removeprefix("BT_SECURITY_"): declared.default for declared in DECLARED}


def test_an_unknown_feature_is_refused(settings):
    settings.BT_SECURITY_FEATURES = ["sesions"]
    with pytest.raises(ImproperlyConfigured, match="did you mean 'sessions'"):
        conf.has_feature("sessions")


def test_a_feature_that_is_not_listed_is_off(settings):
    settings.BT_SECURITY_FEATURES = ["sessions"]
    assert not conf.has_feature("audit")


def test_a_listed_feature_is_on(settings):
    settings.BT_SECURITY_FEATURES = ["sessions", "audit"]
    assert conf.has_feature("audit")


def test_every_feature_can_be_listed(settings):
    settings.BT_SECURITY_FEATURES = list(FEATURES)
    assert conf.features == list(FEATURES)


def test_the_features_are_those_of_the_contract():
    names = "sessions headers csrf ratelimit passwords history audit mfa accounts oidc backups"
    assert " ".join(FEATURES) == names


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("FEATURES", []),
        ("KEYS_DATABASE", "default"),
        ("KEYS_ACCEPT_DATABASE_KEY", True),
        ("KEYS_AUTO_RESEAL_MAX_VALUES", 50_000),
        ("KEYS_FOREIGN_FORMATS", {}),
        ("NET_TRUST_PROXY", 0),
        ("NET_ALLOW_INTERNAL_NETWORK", False),
        ("NET_ALLOWED_TARGETS", []),
        ("PASSWORDS_PROFILE", "classes"),
        ("PASSWORDS_MAX_BYTES", 4_096),
    ],
)
def test_the_default_is_the_documented_one(name, default):
    assert DEFAULTS[name] == default


def test_a_negative_number_of_values_is_refused(settings):
    settings.BT_SECURITY_KEYS_AUTO_RESEAL_MAX_VALUES = -1
    with pytest.raises(ImproperlyConfigured, match="0 or more"):
        _ = conf.keys.auto_reseal_max_values


def test_zero_values_are_allowed(settings):
    settings.BT_SECURITY_KEYS_AUTO_RESEAL_MAX_VALUES = 0
    assert conf.keys.auto_reseal_max_values == 0


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.name)
def test_a_declared_default_is_allowed_by_its_own_rules(settings, declared):
    setattr(settings, declared.name, declared.default)
    assert declared.fault() is None


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.name)
def test_a_declared_setting_has_help_in_one_cell(declared):
    assert declared.help.endswith(".")
    assert not set("|\n") & set(declared.help + declared.allowed)


def test_no_name_is_declared_twice():
    assert len({declared.name for declared in DECLARED}) == len(DECLARED)
