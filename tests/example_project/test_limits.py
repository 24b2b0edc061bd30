"""The limits of the example site's pages."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers]


@pytest.mark.feature("BT-44")
def test_the_eleventh_log_in_of_an_address_is_refused(new_visitor, new_person):
    """After 10 log-ins in 15 minutes an address gets 429 with Retry-After; others go on."""
    crowd = new_visitor()
    for _ in range(10):
        person = new_person()
        assert person.try_to_log_in(crowd, password="wrong").status == 200
    person = new_person()
    refused = person.try_to_log_in(crowd)
    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert person.try_to_log_in(new_visitor()).status == 302


def test_opening_the_log_in_page_is_no_attempt(visitor):
    assert {visitor.get("/account/log-in/").status for _ in range(15)} == {200}


def test_the_log_in_page_of_the_admin_shares_the_limit(new_person, admin, visitor):
    for _ in range(10):
        new_person().try_to_log_in(visitor, password="wrong")
    form = {"username": admin.email, "password": admin.password}
    assert visitor.submit("/admin/login/", form, action="/admin/login/").status == 429


@pytest.mark.feature("TK-38")
def test_log_ins_do_not_eat_the_budget_of_password_changes(person):
    """Ten log-ins of an address leave its five password changes; the sixth change is refused."""
    visitor = person.log_in()
    for _ in range(9):
        person.try_to_log_in(visitor.stranger(), password="wrong")
    assert person.try_to_log_in(visitor.stranger()).status == 429
    form = {"old_password": "wrong", "new_password1": "x", "new_password2": "x"}
    assert [visitor.submit("/account/password/", form).status for _ in range(5)] == [200] * 5
    page = visitor.get("/account/password/").fields()
    assert visitor.post("/account/password/", {**page, **form}).status == 429


@pytest.mark.feature("BT-52")
def test_the_demo_data_is_cleared_three_times(person):
    """Clearing the demo data works 3 times in 15 minutes, and the fourth time gives 429."""
    browser = person.log_in()
    assert [browser.submit("/demo-data/clear/", {}).status for _ in range(3)] == [302] * 3
    assert browser.submit("/demo-data/clear/", {}).status == 429


def test_the_twenty_first_import_is_refused(person):
    browser = person.log_in()
    answers = [browser.upload("/import/", "x", action="/import/").status for _ in range(21)]
    assert answers == [200] * 20 + [429]


def test_the_thirty_first_export_is_refused(person):
    browser = person.log_in()
    answers = [browser.get("/export/bills.csv").status for _ in range(31)]
    assert answers == [200] * 30 + [429]
