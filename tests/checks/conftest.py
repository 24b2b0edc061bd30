"""An environment without operator keys."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_operator_key(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TOKEN_ENCRYPTION_KEY")]:
        monkeypatch.delenv(name)
