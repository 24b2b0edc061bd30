"""Tokens outlive the keys that values are sealed with."""

from __future__ import annotations

import pytest

from bt_security import keys, tokens
from bt_security.rotation.report import Report
from bt_security.rotation.target import begin_rotation
from bt_security.tokens import api, feeds

pytestmark = [pytest.mark.once, pytest.mark.django_db]

FIRST, SECOND = (f"operator-key-{word}-0123456789-abcdefghijklmnop" for word in ("one", "two"))


@pytest.fixture
def use_keys(monkeypatch):
    """Start again with these operator keys, as a new process would."""

    def use(key, previous=None):
        for name, value in (
            ("TOKEN_ENCRYPTION_KEY", key),
            ("TOKEN_ENCRYPTION_KEY_PREVIOUS", previous),
        ):
            monkeypatch.delenv(name, raising=False)
            if value:
                monkeypatch.setenv(name, value)
        keys.forget()

    yield use
    monkeypatch.undo()
    keys.forget()


def test_a_new_operator_key_ends_no_token(use_keys, ann):
    use_keys(FIRST)
    signed = tokens.issue("email_verification", ann)
    secret, feed = api.issue(ann, "script").secret, feeds.issue(ann, "calendar")
    use_keys(SECOND, previous=FIRST)
    begin_rotation(Report())  # seals the purpose keys anew; the rest of a rotation is for columns
    use_keys(SECOND)
    assert api.verify(secret).user == ann
    assert feeds.resolve("calendar", feed) == ann
    assert tokens.redeem("email_verification", signed).user == ann
