"""The key that seals: which forms are refused, and that a refusal shows nothing of it."""

from __future__ import annotations

import os
import traceback

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security.conf.keys import MAX_FILE_BYTES, OperatorKeys, read_operator_keys

pytestmark = pytest.mark.once

NAME = "TOKEN_ENCRYPTION_KEY"
FILE_NAME = "TOKEN_ENCRYPTION_KEY_FILE"
GOOD = b"0123456789abcdefghijklmnopqrstuvwxyzABCD"

REFUSED = [
    pytest.param(b"", "it is empty. Without an operator key, leave it out", id="empty"),
    pytest.param(GOOD[:31], "it has 31 bytes and needs at least 32", id="31 bytes"),
    pytest.param(GOOD + b"\xff", "its 41 bytes are not UTF-8 text", id="not UTF-8"),
    pytest.param(GOOD + b",x", "it contains a comma", id="comma"),
    pytest.param(b"x " + GOOD, "it contains white space", id="space"),
    pytest.param(GOOD + b"\n\n", "it contains white space", id="two newlines"),
    pytest.param(GOOD + b"\r\r", "it contains white space", id="carriage returns"),
    pytest.param(GOOD + "\u00a0".encode(), "it contains white space", id="no-break space"),
    pytest.param(GOOD + b"\x7f", "it contains a control or invisible", id="delete"),
    pytest.param(GOOD + "\u0085".encode(), "it contains white space", id="next line"),
    pytest.param(GOOD + "\u009b".encode(), "it contains a control or invisible", id="C1 control"),
    pytest.param("\ufeff".encode() + GOOD, "it contains a control or invisible", id="BOM"),
    pytest.param(GOOD + "\u200b".encode(), "it contains a control or invisible", id="zero width"),
    pytest.param(b"123456789" * 4, "it has 9 distinct bytes and needs at least 10", id="9 bytes"),
    pytest.param(b"abcdefghijkl" * 4, "its 48 bytes repeat a shorter pattern", id="repeated"),
    pytest.param(b"abcdefghijkl" * 3 + b"abc", "its 39 bytes repeat a shorter", id="cut repeat"),
    pytest.param(GOOD * 2, "its 80 bytes repeat a shorter pattern", id="twice"),
]


@pytest.fixture
def key_file(monkeypatch, tmp_path):
    """Write a key file and point the variable to it."""

    def write(content: bytes) -> None:
        path = tmp_path / "key"
        path.write_bytes(content)
        monkeypatch.setenv(FILE_NAME, str(path))

    return write


@pytest.mark.parametrize(("key", "message"), REFUSED)
def test_a_key_of_a_bad_form_is_refused_by_variable(monkeypatch, key, message):
    monkeypatch.setenv(NAME, os.fsdecode(key))
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is refused: {message}"):
        read_operator_keys()


@pytest.mark.parametrize(("key", "message"), REFUSED)
def test_a_key_of_a_bad_form_is_refused_by_file(key_file, key, message):
    key_file(key + b"\n")
    with pytest.raises(ImproperlyConfigured, match=f"^{FILE_NAME} is refused: {message}"):
        read_operator_keys()


def shown_by_a_reporter(error: BaseException) -> str:
    """Everything an error page shows: messages, causes and the local variables of our frames."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in report.stack if "bt_security" in frame.filename]
    assert ours
    assert (error.__cause__, error.__context__) == (None, None)
    return f"{error!r} {[frame.locals for frame in ours]}"


@pytest.mark.parametrize(("key", "message"), REFUSED[1:])
def test_a_refusal_shows_nothing_of_the_key(monkeypatch, key, message):
    monkeypatch.setenv(NAME, os.fsdecode(key))
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_operator_keys()
    shown = shown_by_a_reporter(refusal.value)
    assert not any(repr(os.fsdecode(key[at : at + 8]))[1:-1] in shown for at in range(len(key) - 7))


def test_a_key_put_where_the_path_belongs_is_not_shown(monkeypatch):
    monkeypatch.setenv(FILE_NAME, GOOD.decode())
    with pytest.raises(ImproperlyConfigured, match="FileNotFoundError") as refusal:
        read_operator_keys()
    assert GOOD.decode() not in shown_by_a_reporter(refusal.value)


def test_a_bad_old_key_does_not_show_the_good_current_one(monkeypatch):
    monkeypatch.setenv(NAME, GOOD.decode())
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY_PREVIOUS", "short")
    with pytest.raises(ImproperlyConfigured) as refusal:
        read_operator_keys()
    assert GOOD.decode() not in shown_by_a_reporter(refusal.value)


def test_variable_and_file_together_are_refused(monkeypatch, key_file):
    key_file(GOOD)
    monkeypatch.setenv(NAME, GOOD.decode())
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} and {FILE_NAME} are both set"):
        read_operator_keys()


def test_an_empty_path_is_refused(monkeypatch):
    monkeypatch.setenv(FILE_NAME, "")
    with pytest.raises(ImproperlyConfigured, match=f"^{FILE_NAME} is empty"):
        read_operator_keys()


def test_a_missing_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(FILE_NAME, str(tmp_path / "nowhere"))
    message = rf"^{FILE_NAME}: the file cannot be used \(FileNotFoundError\)\.$"
    with pytest.raises(ImproperlyConfigured, match=message):
        read_operator_keys()


def test_a_directory_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(FILE_NAME, str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="IsADirectoryError"):
        read_operator_keys()


def test_a_huge_file_is_refused(key_file):
    key_file(GOOD * MAX_FILE_BYTES)
    with pytest.raises(ImproperlyConfigured, match="more than 65536 bytes"):
        read_operator_keys()


def test_no_variable_means_no_key():
    assert read_operator_keys() == OperatorKeys(current=None, previous=())


def test_the_variable_is_taken_byte_for_byte(monkeypatch):
    monkeypatch.setenv(NAME, GOOD.decode())
    assert read_operator_keys().current == GOOD


def test_length_is_counted_in_bytes(monkeypatch):
    key = "äöüßéèàñçø£¥§µ¶þ".encode()
    monkeypatch.setenv(NAME, os.fsdecode(key))
    assert (len(key), read_operator_keys().current) == (32, key)


def test_ten_distinct_bytes_are_enough(monkeypatch):
    monkeypatch.setenv(NAME, "01234567899876543210135790246802")
    assert read_operator_keys().current == b"01234567899876543210135790246802"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_file_loses_one_newline_at_its_end(key_file, end):
    key_file(GOOD + end)
    assert read_operator_keys().current == GOOD


def test_the_environment_is_read_at_each_call(monkeypatch):
    read_operator_keys()
    monkeypatch.setenv(NAME, GOOD.decode())
    assert read_operator_keys().current == GOOD


def test_the_keys_are_not_in_the_repr():
    shown = repr(OperatorKeys(current=GOOD, previous=(GOOD,)))
    assert shown == "<OperatorKeys: hidden>"
