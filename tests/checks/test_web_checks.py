"""Checks of the package's URLs."""

from __future__ import annotations

import pytest
from django.core.checks import WARNING
from django.core.checks.registry import registry

from bt_security.checks.web import check_body_size, check_urls_are_there

pytestmark = pytest.mark.once


@pytest.fixture
def _with_urls(settings):
    settings.ROOT_URLCONF = "tests.web.site"


@pytest.mark.parametrize("feature", ["sessions", "csrf", "history", "accounts"])
def test_a_feature_without_its_urls_is_w150(settings, feature):
    settings.BT_SECURITY_FEATURES = [feature]
    (warning,) = check_urls_are_there()
    assert (warning.id, warning.level) == ("bt_security.W150", WARNING)
    assert feature in warning.msg


@pytest.mark.usefixtures("_with_urls")
def test_a_site_with_the_urls_passes(settings):
    settings.BT_SECURITY_FEATURES = ["sessions"]
    assert check_urls_are_there() == []


@pytest.mark.parametrize("features", [[], ["passwords"], ["headers"], ["no such feature"]])
def test_a_site_whose_features_have_no_urls_passes(settings, features):
    settings.BT_SECURITY_FEATURES = features
    assert check_urls_are_there() == []


@pytest.mark.usefixtures("_with_urls")
def test_bodies_of_any_size_are_w151(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    (warning,) = check_body_size()
    assert (warning.id, warning.level) == ("bt_security.W151", WARNING)


@pytest.mark.usefixtures("_with_urls")
def test_djangos_size_passes():
    assert check_body_size() == []


def test_a_site_without_the_urls_has_no_bodies_of_ours(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert check_body_size() == []


def test_they_are_checks_for_deployment():
    assert {check_urls_are_there, check_body_size} <= set(registry.deployment_checks)
