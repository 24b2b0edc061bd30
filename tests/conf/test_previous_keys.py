"""Old keys, which open and never seal: by variable, and by file for those of another form."""

from __future__ import annotations

import os

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security.conf.keys import MAX_FILE_BYTES, read_operator_keys

pytestmark = pytest.mark.once

NAME = "TOKEN_ENCRYPTION_KEY_PREVIOUS"
FILE_NAME = "TOKEN_ENCRYPTION_KEY_PREVIOUS_FILE"
CURRENT = b"0123456789abcdefghijklmnopqrstuvwxyzABCD"
OLD = b"ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210zyxw"
OLDER = b"older-older-older-older-older-older-older"


@pytest.fixture
def by_variable(monkeypatch):
    def give(content: bytes) -> tuple[bytes, ...]:
        monkeypatch.setenv(NAME, os.fsdecode(content))
        return read_operator_keys().previous

    return give


@pytest.fixture
def by_file(monkeypatch, tmp_path):
    def give(content: bytes) -> tuple[bytes, ...]:
        path = tmp_path / "keys"
        path.write_bytes(content)
        monkeypatch.setenv(FILE_NAME, str(path))
        return read_operator_keys().previous

    return give


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. Without old keys, leave it out"),
        (b"," + OLD, "is refused: entry 1 is empty"),
        (OLD + b",", "is refused: entry 2 is empty"),
        (OLD + b"," + OLDER[:31], "is refused: entry 2 has 31 bytes and needs at least 32"),
        (OLD + b", " + OLDER, "is refused: entry 2 has white space around it"),
        (OLD + b"\n", "is refused: entry 1 has white space around it"),
        (b"\xef\xbb\xbf" + OLD, "is refused: it starts with a byte order mark"),
    ],
)
def test_a_bad_entry_is_refused_by_its_number(by_variable, content, message):
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} {message}"):
        by_variable(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. Without old keys, leave it out"),
        (b"\n", "is refused: line 1 is empty"),
        (OLD + b"\n\n" + OLDER, "is refused: line 2 is empty"),
        (OLD + b"\n\n", "is refused: line 2 is empty"),
        (OLD + b"\r\n\r\n", "is refused: line 2 is empty"),
        (OLD + b"\nshort", "is refused: line 2 has 5 bytes and needs at least 32"),
        (b"\xef\xbb\xbf" + OLD, "is refused: it starts with a byte order mark"),
    ],
)
def test_a_bad_line_is_refused_by_its_number(by_file, content, message):
    with pytest.raises(ImproperlyConfigured, match=f"^{FILE_NAME} {message}"):
        by_file(content)


def test_a_refusal_quotes_no_key(by_variable):
    with pytest.raises(ImproperlyConfigured) as refusal:
        by_variable(OLD + b",short-secret")
    assert "short-secret" not in str(refusal.value)
    assert OLD.decode() not in str(refusal.value)


def test_variable_and_file_together_are_refused(monkeypatch, by_file):
    monkeypatch.setenv(NAME, OLD.decode())
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} and {FILE_NAME} are both set"):
        by_file(OLD)


def test_a_missing_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(FILE_NAME, str(tmp_path / "nowhere"))
    with pytest.raises(ImproperlyConfigured, match=f"^{FILE_NAME}: .*FileNotFoundError"):
        read_operator_keys()


def test_entries_are_parted_by_commas(by_variable):
    assert by_variable(OLD + b"," + OLDER) == (OLD, OLDER)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_lines_end_in_either_way(by_file, end):
    assert by_file(OLD + (end or b"\n") + OLDER + end) == (OLD, OLDER)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b" spaces, commas and the like: all of an old key ", id="text"),
        pytest.param(b"a" * 32, id="one letter"),
        pytest.param(bytes(range(128, 192)), id="not UTF-8"),
        pytest.param(b"a" * (MAX_FILE_BYTES - 1), id="as long as a file may be"),
    ],
)
def test_a_file_takes_any_old_key(by_file, key):
    assert by_file(key + b"\n") == (key,)


def test_bytes_that_are_not_utf8_are_taken_as_they_are(by_variable):
    assert by_variable(OLD + b"\xff\xfe") == (OLD + b"\xff\xfe",)


def test_doubles_are_dropped(by_variable):
    assert by_variable(OLD + b"," + OLDER + b"," + OLD) == (OLD, OLDER)


def test_the_current_key_is_dropped_from_the_old_ones(monkeypatch, by_variable):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", CURRENT.decode())
    assert by_variable(CURRENT + b"," + OLD) == (OLD,)


def test_old_keys_are_taken_without_a_current_one(by_variable):
    by_variable(OLD)
    assert read_operator_keys().current is None
