"""Checks of the audit log's settings, keys and protection."""

from __future__ import annotations

import pytest
from django.core.checks import ERROR, WARNING, Tags, run_checks
from django.core.checks.registry import registry
from django.db import connection

from bt_security.audit.seals.signing import generate_key
from bt_security.checks.audit import (
    AUDIT_CHECKS,
    AUDIT_DEPLOY_CHECKS,
    check_anchor_url,
    check_anchors,
    check_legal_holds,
    check_spool,
    check_tenant,
    check_time_zones,
)
from bt_security.deployment.audit_log import check_protection, check_signing_keys, connect
from bt_security.models import AuditEntry
from tests.audit._retain import protected

once = pytest.mark.once
ALL = (*AUDIT_CHECKS, *AUDIT_DEPLOY_CHECKS, check_signing_keys, check_protection)


@pytest.fixture
def site(settings):
    settings.BT_SECURITY_FEATURES = ["audit"]
    return settings


@once
def test_times_without_a_zone_are_e165(site):
    assert check_time_zones() == []
    site.USE_TZ = False
    (found,) = check_time_zones()
    assert (found.id, found.level) == ("bt_security.E165", ERROR)


@once
@pytest.mark.parametrize("features", [[], ["misspelt"]])
def test_a_site_without_the_feature_hears_nothing(settings, features):
    settings.BT_SECURITY_FEATURES = features
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["x"]
    settings.BT_SECURITY_AUDIT_TENANT = "x"
    settings.BT_SECURITY_AUDIT_SPOOL_DIR = "x"
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = "x"
    assert [found for check in ALL for found in check(databases=["default"])] == []


@once
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("LEGAL_HOLDS", check_legal_holds),
        ("TENANT", check_tenant),
        ("ANCHOR_URL", check_anchor_url),
        ("ANCHOR_URL", check_anchors),
        ("ANCHOR_FILE", check_anchors),
        ("SPOOL_DIR", check_spool),
        ("SIGNING_KEY_FILE", check_signing_keys),
        ("PUBLIC_KEY_FILE", check_signing_keys),
    ],
)
def test_a_value_of_a_wrong_type_is_left_to_e001(site, name, check):
    setattr(site, f"BT_SECURITY_AUDIT_{name}", 5)
    assert check() == []


@once
def test_each_malformed_hold_is_e160(site):
    site.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["tenant:acme", "acme", "actor:"]
    found = check_legal_holds()
    assert [(one.id, one.level) for one in found] == [("bt_security.E160", ERROR)] * 2
    assert "'acme'" in found[0].msg


@once
@pytest.mark.parametrize("path", ["nowhere", "os.nothing", "os.name", "no.such.module"])
def test_a_tenant_that_is_no_function_is_e161(site, path):
    site.BT_SECURITY_AUDIT_TENANT = path
    (error,) = check_tenant()
    assert (error.id, error.level) == ("bt_security.E161", ERROR)


@once
@pytest.mark.parametrize("path", ["", "os.getcwd"])
def test_a_tenant_that_is_a_function_or_none_passes(site, path):
    site.BT_SECURITY_AUDIT_TENANT = path
    assert check_tenant() == []


@once
@pytest.mark.parametrize(
    ("url", "count"),
    [
        ("", 0),
        ("https://a.example", 0),
        ("HTTPS://a.example", 0),
        ("http://a.example", 1),
        ("a", 1),
    ],
)
def test_an_anchor_url_without_https_is_e163(site, url, count):
    site.BT_SECURITY_AUDIT_ANCHOR_URL = url
    assert [error.id for error in check_anchor_url()] == ["bt_security.E163"] * count


@once
def test_a_spool_that_cannot_be_written_is_e162(site, tmp_path):
    (tmp_path / "file").write_text("")
    for place in ("spool", str(tmp_path / "file"), str(tmp_path / "file" / "below")):
        site.BT_SECURITY_AUDIT_SPOOL_DIR = place
        assert [error.id for error in check_spool()] == ["bt_security.E162"]


@once
@pytest.mark.parametrize("name", ["", ".", "made/when/needed"])
def test_a_spool_that_can_be_made_passes(site, tmp_path, name):
    site.BT_SECURITY_AUDIT_SPOOL_DIR = str(tmp_path / name) if name else ""
    assert check_spool() == []


@once
def test_a_log_whose_end_nobody_else_knows_is_w161(site):
    (warning,) = check_anchors()
    assert (warning.id, warning.level) == ("bt_security.W161", WARNING)


@once
@pytest.mark.parametrize("name", ["FILE", "URL"])
def test_an_anchor_anywhere_passes(site, name):
    setattr(site, f"BT_SECURITY_AUDIT_ANCHOR_{name}", "https://a.example")
    assert check_anchors() == []


@once
@pytest.mark.parametrize("setting", ["SIGNING_KEY_FILE", "PUBLIC_KEY_FILE"])
def test_a_key_that_cannot_be_used_is_e164(site, tmp_path, setting):
    (tmp_path / "empty").write_text("")
    for name in ("missing", "empty"):
        setattr(site, f"BT_SECURITY_AUDIT_{setting}", str(tmp_path / name))
        (error,) = check_signing_keys()
        assert (error.id, error.level) == ("bt_security.E164", ERROR)


@once
def test_a_signing_key_that_others_can_read_is_e164(site, tmp_path):
    generate_key(tmp_path / "key.pem")
    site.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(tmp_path / "key.pem")
    assert check_signing_keys() == []
    (tmp_path / "key.pem").chmod(0o640)
    (error,) = check_signing_keys()
    assert "chmod 600" in error.msg


@once
def test_public_keys_are_enough(site, tmp_path):
    (tmp_path / "public.pem").write_text(generate_key(tmp_path / "key.pem").public_pem())
    site.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = str(tmp_path / "public.pem")
    assert check_signing_keys() == []


@once
def test_a_site_without_key_files_needs_none(site):
    assert check_signing_keys() == []


def test_a_log_that_is_not_protected_is_w160(site, transactional_db):
    (warning,) = check_protection(databases=["default"])
    assert (warning.id, warning.level) == ("bt_security.W160", WARNING)
    site.BT_SECURITY_FEATURES = []  # the names of entries are not registered here
    with protected():
        site.BT_SECURITY_FEATURES = ["audit"]
        assert check_protection(databases=["default"]) == []
        site.BT_SECURITY_FEATURES = []


@once
@pytest.mark.parametrize("databases", [None, [], ["other"]])
def test_a_database_that_was_not_asked_for_is_left_alone(site, databases):
    assert check_protection(databases=databases) == []


def test_tables_that_are_not_there_yet_are_left_to_migrate(site, transactional_db):
    table = AuditEntry._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        try:
            assert check_protection(databases=["default"]) == []
        finally:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


@once
def test_they_run_on_deployment(site, monkeypatch):
    monkeypatch.setattr(registry, "deployment_checks", set(registry.deployment_checks))
    connect()
    ids = {found.id for found in run_checks(tags=[Tags.security], include_deployment_checks=True)}
    assert "bt_security.W161" in ids
    assert {check_signing_keys, check_protection} <= registry.deployment_checks
