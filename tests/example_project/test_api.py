"""The JSON endpoint of the tracker's script."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers]


@pytest.fixture
def mark():
    """Give a function that marks a bill as paid, as the script does."""

    def send(visitor, bill, body=None, token=None):
        if token is None:
            token = visitor.get("/security/api/auth/csrf-token").json()["csrf_token"]
        content = json.dumps({"paid": True} if body is None else body).encode()
        headers = {"Content_Type": "application/json", "Accept": "application/json"}
        return visitor.send(
            "POST", f"/api/bills/{bill}/paid", content, X_CSRF_Token=token, **headers
        )

    return send


def paid_on(site, bill):
    return site.rows("SELECT paid_on FROM tracker_bill WHERE id = ?", bill)[0][0]


def test_the_owner_marks_a_bill_and_takes_it_back(site, person, mark):
    browser = person.log_in()
    answer = mark(browser, person.bill)
    assert answer.status == 200, answer.text
    assert answer.json()["paid_on"] == paid_on(site, person.bill)
    assert paid_on(site, person.bill)
    mark(browser, person.bill, {"paid": False})
    assert paid_on(site, person.bill) is None


@pytest.mark.feature("BT-37")
def test_a_bill_of_another_user_is_not_found(site, new_person, mark):
    """The JSON endpoint answers 404 for another user's bill, whoever the body says is the owner."""
    owner, other = new_person(), new_person()
    browser = other.log_in()
    assert mark(browser, owner.bill).status == 404
    assert mark(browser, owner.bill, {"paid": True, "owner": owner.user_id}).status == 400
    assert paid_on(site, owner.bill) is None


def test_a_visitor_gets_401_and_an_administrator_403(site, person, admin, visitor, mark):
    refused = mark(visitor, person.bill)
    assert (refused.status, refused.location) == (401, None)
    assert mark(admin.log_in(), person.bill).status == 403


def test_a_request_without_the_token_is_refused(site, person, mark):
    refused = mark(person.log_in(), person.bill, token="x" * 32)
    assert (refused.status, refused.json()["code"]) == (403, "CSRF_FAILED")
    assert paid_on(site, person.bill) is None
