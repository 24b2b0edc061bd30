"""bcrypt in both forms, and the inputs that used to break it."""

from __future__ import annotations

import hashlib

import bcrypt
import pytest
from django.contrib.auth import hashers
from django.contrib.auth.hashers import (
    BCryptSHA256PasswordHasher as DjangosHasher,
)
from django.contrib.auth.hashers import (
    check_password,
    is_password_usable,
    make_password,
    verify_password,
)

from bt_security.passwords import (
    BCryptPasswordHasher,
    BCryptSHA256PasswordHasher,
    password_hashers,
)

pytestmark = pytest.mark.once

FAST = bcrypt.gensalt(4)
# Vector of crypt_blowfish 1.3: 98 bytes, of which the last 26 are ignored.
LONG = (
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "chars after 72 are ignored"
)
LONG_HASH = "bcrypt$$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"


@pytest.fixture(autouse=True)
def _our_hashers(settings):
    settings.PASSWORD_HASHERS = password_hashers()


def imported(password: bytes, prefix: bytes = b"2b") -> str:
    salt = FAST.replace(b"$2b$", b"$%s$" % prefix)
    return "bcrypt$" + bcrypt.hashpw(password[:72], salt).decode()


@pytest.mark.parametrize("kind", ["PBKDF2", "PBKDF2SHA1", "Scrypt"])
def test_a_long_password_of_before_is_wrong_and_its_hash_stays(settings, kind):
    settings.BT_SECURITY_PASSWORDS_MAX_BYTES = 256
    hasher = getattr(hashers, f"{kind}PasswordHasher")()
    long, stored = "x" * 257, hasher.encode("x" * 257, "saltsaltsaltsalt")
    kept = []
    assert check_password(long, stored, setter=kept.append) is False
    assert kept == []


@pytest.mark.parametrize("kind", [hashers.PBKDF2PasswordHasher, hashers.ScryptPasswordHasher])
def test_a_password_of_before_is_upgraded(kind):
    stored, kept = kind().encode("Tr0ub4dor&3", "saltsaltsaltsalt"), []
    assert check_password("Tr0ub4dor&3", stored, setter=kept.append) is True
    assert kept == ["Tr0ub4dor&3"]


@pytest.mark.feature("BT-30", "TK-34")
def test_a_new_hash_is_bcrypt_sha256_at_cost_12():
    """New passwords are hashed by bcrypt-SHA256 at cost 12."""
    hashed = make_password("Tr0ub4dor&3")
    assert hashed.startswith("bcrypt_sha256$$2b$12$")
    assert verify_password("Tr0ub4dor&3", hashed) == (True, False)


def test_the_hash_is_the_one_of_django():
    ours = BCryptSHA256PasswordHasher().encode("Tr0ub4dor&3", FAST)
    assert ours == DjangosHasher().encode("Tr0ub4dor&3", FAST)


@pytest.mark.parametrize("text", ["x" * 73, "x" * 72 + "a", "ä" * 2_000])
def test_every_byte_of_a_long_password_counts(text):
    hashed = BCryptSHA256PasswordHasher().encode(text, FAST)
    assert check_password(text, hashed)
    assert not check_password(f"{text[:-1]}?", hashed)


@pytest.mark.feature("BT-30")
@pytest.mark.parametrize(
    "password",
    [LONG, LONG[:72], f"{LONG[:72]}another end", LONG[:72] + "x" * 11],
    ids=["whole", "72 bytes", "another end", "83 bytes"],
)
def test_an_imported_hash_reads_72_bytes_like_its_maker(password):
    """An imported `bcrypt$` hash verifies also for passwords of more than 72 bytes."""
    assert verify_password(password, LONG_HASH) == (True, True)


def test_a_wrong_byte_among_the_72_is_refused():
    assert not check_password(f"x{LONG[1:]}", LONG_HASH)
    assert not check_password(LONG[:71], LONG_HASH)


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2x", b"2y"])
def test_every_prefix_of_other_systems_is_read(prefix):
    assert check_password("secret", imported(b"secret", prefix))
    assert not check_password("Secret", imported(b"secret", prefix))


def test_a_character_may_be_cut_by_the_72_bytes():
    password = "x" * 71 + "ä" * 10
    assert check_password(password, imported(password.encode()))


@pytest.mark.parametrize(
    "hashed",
    [
        "bcrypt$",
        "bcrypt$nonsense",
        "bcrypt$$2b$04$",
        LONG_HASH[:-1],
        LONG_HASH + "x",
        LONG_HASH.replace("$05$", "$99$"),
        LONG_HASH.replace("$2a$", "$2z$"),
        LONG_HASH.replace("qrstuu", "qrstuv"),
        LONG_HASH.replace("abc", "\xe4bc"),
    ],
)
def test_a_malformed_hash_is_nobody_s(hashed):
    assert not check_password(LONG, hashed)


@pytest.mark.parametrize("refused", ["x" * 5_000_000, "ä" * 2_049, "secret\ud800"])
@pytest.mark.parametrize("hasher", [BCryptSHA256PasswordHasher, BCryptPasswordHasher])
def test_a_password_that_cannot_be_hashed_is_wrong(hasher, refused):
    hashed = hasher().encode(refused[:6], FAST)
    assert check_password(refused[:6], hashed)
    assert not check_password(refused, hashed)


@pytest.mark.parametrize("refused", ["x" * 5_000_000, "secret\ud800"])
def test_setting_such_a_password_gives_an_unusable_one(refused):
    hashed = BCryptSHA256PasswordHasher().encode(refused, FAST)
    assert not is_password_usable(hashed)
    assert not check_password(refused, hashed)


def test_a_long_password_is_never_hashed_and_costs_what_a_wrong_one_costs():
    digested = []

    class Recording(BCryptSHA256PasswordHasher):
        @staticmethod
        def digest(password):
            digested.append(len(password))
            return hashlib.sha256(password)

    hashed = Recording().encode("secret", FAST)
    Recording().verify("wrong", hashed)
    Recording().verify("x" * 5_000_000, hashed)
    assert len(digested) == 3
    assert max(digested) < 100


def test_the_limit_is_a_setting(settings):
    settings.BT_SECURITY_PASSWORDS_MAX_BYTES = 256
    hasher = BCryptSHA256PasswordHasher()
    assert is_password_usable(hasher.encode("x" * 256, FAST))
    assert not is_password_usable(hasher.encode("x" * 257, FAST))
