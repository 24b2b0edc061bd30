"""Checks of trusted proxies and of the limits of fetches."""

from __future__ import annotations

import pytest
from django.core.checks import ERROR, WARNING
from django.core.checks.registry import registry

from bt_security.checks import register
from bt_security.checks.net import (
    NET_CHECKS,
    NET_DEPLOY_CHECKS,
    check_internal_network,
    check_proxies,
    check_proxy_is_trusted,
    check_targets,
)

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("10.0.0.0/33", "does not appear to be an IPv4 or IPv6 network"),
        ("10.0.0.1/8", "has host bits set"),
        ("proxy.example.com", "does not appear to be"),
        ("0.0.0.0/0", "every address there is"),
        ("::/0", "every address there is"),
        ("::ffff:10.0.0.0/104", "written as IPv4"),
    ],
)
def test_a_proxy_that_is_no_network_is_e060(settings, entry, reason):
    settings.BT_SECURITY_NET_TRUST_PROXY = ["10.0.0.0/8", entry]
    (error,) = check_proxies()
    assert (error.id, error.level) == ("bt_security.E060", ERROR)
    assert error.msg.startswith("BT_SECURITY_NET_TRUST_PROXY: ")
    assert reason in error.msg


@pytest.mark.parametrize("entry", ["nas.local:http", "https://nas.local", "", "10.0.0.1/8"])
def test_a_malformed_target_is_e061(settings, entry):
    settings.BT_SECURITY_NET_ALLOWED_TARGETS = [entry, "nas.local", "10.0.0.0/8", entry]
    errors = check_targets()
    assert [error.id for error in errors] == ["bt_security.E061"] * 2
    assert entry in errors[0].msg


@pytest.mark.parametrize(
    "name", ["SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT"]
)
def test_a_site_behind_an_untrusted_proxy_is_w060(settings, name):
    setattr(settings, name, ("HTTP_X_FORWARDED_PROTO", "https"))
    (warning,) = check_proxy_is_trusted()
    assert (warning.id, warning.level) == ("bt_security.W060", WARNING)
    assert warning.msg.startswith(f"{name} says")


def test_a_trusted_proxy_passes(settings):
    settings.USE_X_FORWARDED_HOST = True
    settings.BT_SECURITY_NET_TRUST_PROXY = 1
    assert check_proxy_is_trusted() == []


def test_a_site_without_a_proxy_passes():
    assert check_proxy_is_trusted() == []


def test_an_open_internal_network_is_w061(settings):
    settings.BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK = True
    (warning,) = check_internal_network()
    assert (warning.id, warning.level) == ("bt_security.W061", WARNING)


@pytest.mark.parametrize("trust", [0, 2, [], ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"]])
def test_good_settings_pass(settings, trust):
    settings.BT_SECURITY_NET_TRUST_PROXY = trust
    settings.BT_SECURITY_NET_ALLOWED_TARGETS = ["nas.local", "192.168.1.5:8080"]
    assert [*check_proxies(), *check_targets(), *check_internal_network()] == []


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("TRUST_PROXY", check_proxies),
        ("TRUST_PROXY", check_proxy_is_trusted),
        ("ALLOWED_TARGETS", check_targets),
        ("ALLOW_INTERNAL_NETWORK", check_internal_network),
    ],
)
def test_a_wrong_type_is_left_to_e001(settings, name, check):
    settings.USE_X_FORWARDED_HOST = True
    setattr(settings, f"BT_SECURITY_NET_{name}", "10.0.0.0/8")
    assert check() == []


def test_they_are_registered():
    register()
    found = set(registry.get_checks(include_deployment_checks=True))
    assert {*NET_CHECKS, *NET_DEPLOY_CHECKS} <= found
    assert not set(NET_DEPLOY_CHECKS) & set(registry.get_checks())
