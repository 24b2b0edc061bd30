"""What `manage.py check` says of the settings of tokens."""

from __future__ import annotations

import pytest

from bt_security import checks
from bt_security.checks.tokens import TOKENS_CHECKS, TOKENS_DEPLOY_CHECKS
from bt_security.tokens import Purpose, register

pytestmark = pytest.mark.once


@pytest.fixture
def found(settings):
    """Check a site with these settings; give the ids of our messages."""

    def check(*, deploy=False, **values):
        for name, value in values.items():
            setattr(settings, f"BT_SECURITY_TOKENS_{name}", value)
        judges = [*TOKENS_CHECKS, *(TOKENS_DEPLOY_CHECKS if deploy else ())]
        messages = [message for judge in judges for message in judge(app_configs=None)]
        return [message.id.rpartition(".")[2] for message in messages]

    return check


def test_the_defaults_are_right(found):
    assert found(deploy=True) == []


@pytest.mark.parametrize(
    ("lifetimes", "ids"),
    [
        ({"pasword_reset": 3600}, ["E140"]),
        ({"feed": 3600}, ["E140"]),
        ({"invite": 59}, ["E141"]),
        ({"invite": 367 * 86_400}, ["E141"]),
        ({"invite": 60, "password_reset": 366 * 86_400}, []),
        ({"invite": "long"}, []),
    ],
)
def test_lifetimes_are_judged(found, lifetimes, ids):
    assert found(LIFETIME_SECONDS=lifetimes) == ids


def test_the_sites_own_purposes_are_known(found, purposes):
    register(Purpose(name="join_club", lifetime_seconds=3600))
    assert found(LIFETIME_SECONDS={"join_club": 7200}) == []


@pytest.mark.parametrize(
    ("scopes", "ids"),
    [
        (["bills:read", "a", "api/v1.x-y_z"], []),
        (["a b", '"', "", "a" * 51, "ä"], ["E142"] * 5),
        (["a", 7], []),
    ],
)
def test_scopes_are_judged(found, scopes, ids):
    assert found(SCOPES=scopes) == ids


@pytest.mark.parametrize(
    ("lifetimes", "ids"),
    [
        ({"password_reset": 86_401}, ["W140"]),
        ({"password_reset": 86_400, "invite": 30 * 86_400}, []),
        ({"login_alert": 7 * 86_400}, []),
        ({"login_alert": 7 * 86_400 + 1}, ["W140"]),
        ({"nothing": 86_401}, ["E140"]),
        ({"password_reset": None}, []),
    ],
)
def test_long_lived_links_are_named_on_deployment(found, lifetimes, ids):
    assert found(deploy=True, LIFETIME_SECONDS=lifetimes) == ids


def test_the_checks_run_with_the_others():
    assert set(TOKENS_CHECKS) <= set(checks.ALWAYS)
    assert set(TOKENS_DEPLOY_CHECKS) <= set(checks.ON_DEPLOYMENT)
