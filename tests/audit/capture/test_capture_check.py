"""The check that bulk operations on audited models are recorded."""

from __future__ import annotations

import pytest

from bt_security.checks.audit_capture import check_managers

pytestmark = pytest.mark.once


def test_an_audited_model_with_a_plain_manager_is_reported(monkeypatch):
    monkeypatch.delattr("bt_security.audit.capture.bulk.AuditedQuerySet.records_bulk_operations")
    (found,) = check_managers()
    assert found.id == "bt_security.W169"
    assert "testapp.Ledger, " in found.msg
    assert "testapp.Tag" not in found.msg


def test_an_audited_manager_is_not_reported():
    assert check_managers() == []


@pytest.mark.parametrize("features", [[], ["no such feature"]])
def test_nothing_is_reported_where_the_feature_is_not_on(settings, monkeypatch, features):
    monkeypatch.delattr("bt_security.audit.capture.bulk.AuditedQuerySet.records_bulk_operations")
    settings.BT_SECURITY_FEATURES = features
    assert check_managers() == []
