"""What `@audited` refuses, and what leaves no entry."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, models
from django.test.utils import CaptureQueriesContext

from bt_security.audit.capture import audited
from bt_security.exceptions import AuditUnavailable
from tests.audit.capture.conftest import roll_back
from tests.testapp.models import Ledger, LedgerProxy, Line


@pytest.mark.parametrize("option", ["fields", "mask", "exclude"])
def test_a_name_that_is_no_field_is_refused(option):
    with pytest.raises(ImproperlyConfigured, match="has no field 'nam'"):
        audited(**{option: ["nam"]})(Line)


def test_a_proxy_is_refused():
    with pytest.raises(ImproperlyConfigured, match="is a proxy"):
        audited()(LedgerProxy)


@pytest.mark.django_db(transaction=True)
def test_a_save_that_fails_leaves_no_entry(make, log):
    make(code="A")
    other = make(code="B")
    other.code = "A"
    with pytest.raises(IntegrityError):
        other.save()
    assert log.actions() == []


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_leaves_no_entry(ledger, log):
    ledger.name = "Bank"
    roll_back(ledger.save)
    assert log.actions() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", ["create", "save", "delete"])
def test_no_row_changes_without_its_entry(ledger, without_table, operation):
    ledger.name = "Bank"
    work = {
        "create": lambda: Ledger.objects.create(name="New"),
        "save": ledger.save,
        "delete": ledger.delete,
    }
    with pytest.raises(AuditUnavailable):
        work[operation]()
    assert list(Ledger.objects.values_list("name", flat=True)) == ["Cash"]


def test_a_save_without_a_change_leaves_no_entry(ledger, log):
    ledger.save()
    assert log.actions() == []


@pytest.mark.parametrize(
    "same", [{"amount": "0"}, {"amount": Decimal("0.0")}, {"quantity": "0"}, {"extra": {}}]
)
def test_the_same_value_in_another_form_is_no_change(ledger, log, same):
    for name, value in same.items():
        setattr(ledger, name, value)
    ledger.save()
    assert log.actions() == []


def test_a_time_given_as_text_is_no_change(make, log):
    ledger = make(due=datetime(2026, 5, 1, 12, tzinfo=UTC))
    ledger.due = "2026-05-01T14:00:00+02:00"
    ledger.save()
    assert log.actions() == []


def test_a_field_that_no_form_shows_is_no_change(ledger, log):
    ledger.save(update_fields=["touched"])
    assert log.actions() == []


def test_a_model_without_the_decorator_is_not_recorded(ledger, log):
    line = Line.objects.create(ledger=ledger, text="x")
    line.text = "y"
    line.save()
    line.delete()
    assert log.actions() == []


def test_nothing_is_recorded_where_the_feature_is_off(ledger, log, settings):
    settings.BT_SECURITY_FEATURES = []
    ledger.name = "Bank"
    ledger.save()
    ledger.delete()
    Ledger.objects.create(name="New")
    assert log.actions() == []


def test_a_model_without_the_decorator_is_still_deleted_with_one_query(ledger):
    Line.objects.create(ledger=ledger, text="x")
    with CaptureQueriesContext(connection) as queries:
        Line.objects.all().delete()
    assert len(queries) == 1


def test_a_delete_that_a_reference_forbids_leaves_no_entry(ledger, log, monkeypatch):
    monkeypatch.setattr(Line.ledger.field.remote_field, "on_delete", models.PROTECT)
    Line.objects.create(ledger=ledger, text="x")
    with pytest.raises(models.ProtectedError):
        ledger.delete()
    assert log.actions() == []
