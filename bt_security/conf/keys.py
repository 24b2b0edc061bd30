"""Settings of the keys, and the operator keys themselves, which only the environment gives.

While an error is raised no frame holds key bytes in a bare variable: error reporters show locals.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured

from bt_security.conf._declare import Section, setting
from bt_security.conf._key_rules import current_fault, previous_fault

CURRENT = "TOKEN_ENCRYPTION_KEY"
PREVIOUS = "TOKEN_ENCRYPTION_KEY_PREVIOUS"
MAX_FILE_BYTES = 65_536


class Keys(Section, prefix="KEYS"):
    """Where the database key lives and what it may still open."""

    database = setting(
        "default",
        help="Alias in DATABASES that holds the database key and the state of the keys.",
    )
    accept_database_key = setting(
        True,
        help="Open values sealed with the database key. False refuses them whatever the key "
        "table says; set it once every value is sealed with an operator key.",
    )
    auto_reseal_max_values = setting(
        50_000,
        minimum=0,
        help="Values that the first start with an operator key re-seals by itself; with more, "
        "run `rotate_keys --online`. 0 = never.",
    )
    foreign_formats = setting(
        {},
        shape=dict[str, list[str]],
        help="Columns that still hold values of another package: `app.Model.field` to the "
        "dotted paths of the formats.",
    )


@dataclass(frozen=True, slots=True, repr=False)
class OperatorKeys:
    """Operator keys of this process: `current` seals and opens, `previous` only open."""

    current: bytes | None
    previous: tuple[bytes, ...]

    def __repr__(self) -> str:
        return "<OperatorKeys: hidden>"


@dataclass(frozen=True, slots=True)
class _Given:
    variable: str
    content: bytes = field(repr=False)
    is_file: bool


def read_operator_keys() -> OperatorKeys:
    """Read the operator keys from the environment, afresh at each call.

    Reads `TOKEN_ENCRYPTION_KEY`, `TOKEN_ENCRYPTION_KEY_PREVIOUS` or the files that the same names
    followed by `_FILE` point to. Keys are exact bytes; doubles of previous keys are dropped.

    Raises:
        ImproperlyConfigured: names the variable and the rule, never key, file content or path.
    """
    current = _read(CURRENT)
    previous = _read(PREVIOUS)
    if current is not None:
        _judge_current(current)
    if previous is not None:
        _judge_previous(previous)
    return _operator_keys(current, previous)


def key_files() -> list[tuple[str, str]]:
    """Return variable and path of the key files that the environment names; opens none."""
    names = (f"{CURRENT}_FILE", f"{PREVIOUS}_FILE")
    return [(name, os.environ[name]) for name in names if os.environ.get(name)]


def _operator_keys(current: _Given | None, previous: _Given | None) -> OperatorKeys:
    key = None if current is None else _one_key(current)
    older = dict.fromkeys([] if previous is None else _entries(previous))
    return OperatorKeys(current=key, previous=tuple(old for old in older if old != key))


def _read(variable: str) -> _Given | None:
    file_variable = f"{variable}_FILE"
    if variable in os.environ and file_variable in os.environ:
        raise ImproperlyConfigured(f"{variable} and {file_variable} are both set: keep one.")
    if file_variable in os.environ:
        return _read_file(file_variable)
    if variable in os.environ:
        # fsencode gives back the bytes of the environment, whatever the locale decoded.
        return _Given(variable, os.fsencode(os.environ[variable]), is_file=False)
    return None


def _read_file(variable: str) -> _Given:
    if not os.environ[variable]:
        raise ImproperlyConfigured(f"{variable} is empty. Without a key file, leave it out.")
    given, trouble = _load(variable)
    if given is None:
        # Neither path nor cause is shown: a key put there by mistake would be in both.
        raise ImproperlyConfigured(f"{variable}: the file cannot be used ({trouble}).")
    return given


def _load(variable: str) -> tuple[_Given | None, str]:
    try:
        with open(os.environ[variable], "rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        return None, type(error).__name__
    if len(content) > MAX_FILE_BYTES:
        return None, f"more than {MAX_FILE_BYTES} bytes"
    return _Given(variable, content, is_file=True), ""


def _judge_current(given: _Given) -> None:
    fault = current_fault(_one_key(given))
    if fault:
        raise ImproperlyConfigured(f"{given.variable} is refused: {fault}.")


def _judge_previous(given: _Given) -> None:
    if not given.content:
        raise ImproperlyConfigured(f"{given.variable} is empty. Without old keys, leave it out.")
    fault = _previous_form_fault(given)
    if fault:
        raise ImproperlyConfigured(f"{given.variable} is refused: {fault}.")


def _previous_form_fault(given: _Given) -> str:
    part = "line" if given.is_file else "entry"
    if given.content.startswith(b"\xef\xbb\xbf"):
        return "it starts with a byte order mark"
    for number, key in enumerate(_entries(given), start=1):
        fault = previous_fault(key)
        if fault:
            return f"{part} {number} {fault}"
        if key != key.strip() and not given.is_file:
            return f"entry {number} has white space around it; the file form takes such a key"
    return ""


def _one_key(given: _Given) -> bytes:
    return _without_newline(given.content) if given.is_file else given.content


def _entries(given: _Given) -> list[bytes]:
    if not given.is_file:
        return given.content.split(b",")
    lines = _without_newline(given.content).split(b"\n")
    return [line.removesuffix(b"\r") for line in lines]


def _without_newline(content: bytes) -> bytes:
    end = b"\r\n" if content.endswith(b"\r\n") else b"\n"
    return content.removesuffix(end)
