"""`manage.py generate_key`."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command

from bt_security.conf.keys import read_operator_keys
from bt_security.management.commands.generate_key import Command

pytestmark = pytest.mark.once


@pytest.fixture
def generated(capsys):
    def run() -> str:
        call_command("generate_key")
        return capsys.readouterr().out

    return run


def test_a_broken_environment_does_not_stop_it(generated, monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "short")
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY_FILE", "nowhere")
    assert len(generated()) == 97


def test_it_prints_96_hex_characters_and_a_newline_alone(generated):
    assert re.fullmatch(r"[0-9a-f]{96}\n", generated())


@pytest.mark.feature("BT-23")
def test_two_runs_differ(generated):
    """Two runs of `generate_key` give two keys."""
    assert generated() != generated()


@pytest.mark.feature("BT-23")
def test_its_key_is_a_good_key(generated, monkeypatch):
    """`generate_key` prints 48 random bytes as hex, which the rules for keys accept."""
    key = generated().removesuffix("\n")
    monkeypatch.delenv("TOKEN_ENCRYPTION_KEY_FILE", raising=False)
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", key)
    assert read_operator_keys().current == key.encode()


def test_it_runs_without_system_checks():
    assert list(Command.requires_system_checks) == []
