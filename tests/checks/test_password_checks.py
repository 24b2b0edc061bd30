"""Checks of Django's password settings."""

from __future__ import annotations

import pytest
from django.core.checks import ERROR, WARNING
from django.core.checks.registry import registry

from bt_security.checks import register
from bt_security.checks.passwords import (
    PASSWORD_CHECKS,
    PASSWORD_DEPLOY_CHECKS,
    check_imported_hashes,
    check_minimum_length,
    check_preferred_hasher,
    check_readers,
    check_validators,
)
from bt_security.passwords import password_hashers, password_validators

pytestmark = pytest.mark.once

DJANGOS = "django.contrib.auth.hashers"
CHECKS = [
    check_validators,
    check_imported_hashes,
    check_minimum_length,
    check_preferred_hasher,
    check_readers,
]


@pytest.fixture(autouse=True)
def _feature_is_on(settings):
    settings.BT_SECURITY_FEATURES = ["passwords"]
    settings.AUTH_PASSWORD_VALIDATORS = []
    settings.PASSWORD_HASHERS = [f"{DJANGOS}.BCryptPasswordHasher"]


def test_no_rule_of_this_package_is_e062(settings):
    name = "django.contrib.auth.password_validation.CommonPasswordValidator"
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": name}]
    (error,) = check_validators()
    assert (error.id, error.level) == ("bt_security.E062", ERROR)


def test_django_s_reader_of_bcrypt_hashes_is_w062():
    (warning,) = check_imported_hashes()
    assert (warning.id, warning.level) == ("bt_security.W062", WARNING)


@pytest.mark.parametrize(
    "hasher",
    [
        f"{DJANGOS}.MD5PasswordHasher",
        f"{DJANGOS}.BCryptPasswordHasher",
        "bt_security.passwords.BCryptPasswordHasher",
    ],
)
def test_a_weak_hasher_for_new_passwords_is_w063(settings, hasher):
    settings.PASSWORD_HASHERS = [hasher]
    (warning,) = check_preferred_hasher()
    assert (warning.id, warning.level) == ("bt_security.W063", WARNING)
    assert hasher in warning.msg


DJANGOS_LENGTH = "django.contrib.auth.password_validation.MinimumLengthValidator"


@pytest.mark.parametrize(
    "validators",
    [
        password_validators(min_characters=7),
        password_validators(min_characters=-1),
        [{"NAME": DJANGOS_LENGTH, "OPTIONS": {"min_length": 6}}],
    ],
)
def test_a_minimum_below_eight_characters_is_w065(settings, validators):
    settings.AUTH_PASSWORD_VALIDATORS = validators
    (warning,) = check_minimum_length()
    assert (warning.id, warning.level) == ("bt_security.W065", WARNING)


@pytest.mark.parametrize(
    "validators",
    [
        password_validators(min_characters=8),
        password_validators(min_characters=0),  # as without it: the minimum of the profile
        [{"NAME": DJANGOS_LENGTH}],
        [*password_validators(min_characters=4), {"NAME": DJANGOS_LENGTH}],
    ],
)
def test_a_minimum_of_eight_characters_passes(settings, validators):
    settings.AUTH_PASSWORD_VALIDATORS = validators
    assert check_minimum_length() == []


@pytest.mark.parametrize("features", [[], ["audit"], ["misspelt"], "passwords"])
@pytest.mark.parametrize("check", CHECKS)
def test_a_site_without_the_feature_passes(settings, check, features):
    settings.BT_SECURITY_FEATURES = features
    assert check() == []


@pytest.mark.parametrize("check", CHECKS)
def test_our_values_pass(settings, check):
    settings.AUTH_PASSWORD_VALIDATORS = password_validators()
    settings.PASSWORD_HASHERS = password_hashers()
    assert check() == []


@pytest.mark.parametrize("name", ["PBKDF2PasswordHasher", "Argon2PasswordHasher"])
def test_a_strong_hasher_of_django_passes(settings, name):
    settings.PASSWORD_HASHERS = [f"{DJANGOS}.{name}"]
    assert check_preferred_hasher() == []


def test_no_hasher_at_all_is_left_to_django(settings):
    settings.PASSWORD_HASHERS = []
    assert check_preferred_hasher() == []


@pytest.mark.parametrize("name", ["PBKDF2", "PBKDF2SHA1", "Argon2", "Scrypt"])
def test_a_reader_of_django_behind_our_hasher_is_w064(settings, name):
    settings.PASSWORD_HASHERS = [password_hashers()[0], f"{DJANGOS}.{name}PasswordHasher"]
    (found,) = check_readers()
    assert found.id == "bt_security.W064"


def test_they_are_registered():
    register()
    found = set(registry.get_checks(include_deployment_checks=True))
    assert {*PASSWORD_CHECKS, *PASSWORD_DEPLOY_CHECKS} <= found
    assert not set(PASSWORD_DEPLOY_CHECKS) & set(registry.get_checks())
