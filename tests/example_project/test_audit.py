"""What the example site's audit log has."""

from __future__ import annotations

import json

import pytest

from tests.example_project.test_csv import TWO, preview

pytestmark = [pytest.mark.once, pytest.mark.servers]


def entries(site, *actions):
    """Return (action, body) of the entries of these actions, the oldest first."""
    rows = site.rows("SELECT action, body FROM bt_security_audit_entry ORDER BY id")
    return [(action, json.loads(body)) for action, body in rows if action in actions]


def test_an_import_is_one_entry_and_one_for_each_bill(site, person):
    browser = person.log_in()
    form = preview(browser, TWO).fields("/import/apply/")
    before = len(entries(site, "bills.imported", "model.created"))
    browser.post("/import/apply/", form)
    found = entries(site, "bills.imported", "model.created")[before:]
    assert [action for action, _body in found] == ["model.created"] * 2 + ["bills.imported"]
    assert found[-1][1] == {"count": 2}


def test_sealed_columns_are_masked_in_the_entry(site, person):
    browser = person.log_in()
    form = preview(browser, TWO).fields("/import/apply/")
    browser.post("/import/apply/", form)
    _action, body = entries(site, "model.created")[-2]
    assert body["changes"]["amount"] == [None, "10.00"]
    assert body["changes"]["customer_number"] == "[changed]"
    assert "55-66" not in json.dumps(body)


def test_an_export_is_an_entry(site, person):
    before = len(entries(site, "bills.exported"))
    person.log_in().get("/export/bills.csv")
    assert [body for _action, body in entries(site, "bills.exported")[before:]] == [{"count": 1}]
