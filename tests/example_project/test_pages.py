"""The tracker's pages: open to their owner, closed to everybody else."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers]

PAGES = [
    "/",
    "/bills/add/",
    "/banks/",
    "/banks/add/",
    "/import/",
    "/export/bills.csv",
    "/calendar/",
    "/demo-data/clear/",
]
OWN = ["/bills/{bill}/", "/bills/{bill}/delete/", "/banks/{bank}/", "/banks/{bank}/delete/"]
BILL = {
    "payee_name": "Electricity works",
    "amount": "99.90",
    "currency": "eur",
    "due_on": "2030-01-31",
    "customer_number": "12-34",
    "note": "",
}


def paths_of(person):
    return [*PAGES, *(path.format(bill=person.bill, bank=person.bank) for path in OWN)]


def bill_of(site, person):
    (row,) = site.rows(
        "SELECT owner_id, amount, paid_on FROM tracker_bill WHERE id = ?", person.bill
    )
    return row


def test_a_visitor_is_sent_to_log_in(visitor, person):
    for path in [*paths_of(person), "/account/", "/account/password/"]:
        answer = visitor.get(path)
        assert (answer.status, answer.location) == (302, f"/account/log-in/?next={path}"), path


def test_the_owner_may_open_every_page(person):
    browser = person.log_in()
    for path in [*paths_of(person), "/account/", "/account/password/"]:
        assert browser.get(path).status == 200, path


@pytest.mark.feature("BT-36")
def test_an_administrator_is_kept_out_of_the_tracker(admin, person):
    """An administrator gets 403 on every page of the tracker and 200 in the admin."""
    browser = admin.log_in()
    for path in paths_of(person):
        assert browser.get(path).status == 403, path
    assert browser.get("/admin/").status == 200


@pytest.mark.feature("BT-37")
def test_another_users_objects_are_not_found(site, new_person):
    """Another user's bill or bank connection is answered with 404 and stays as it is."""
    owner, other = new_person(), new_person()
    browser = other.log_in()
    before = bill_of(site, owner)
    for path in OWN:
        theirs = path.format(bill=owner.bill, bank=owner.bank)
        assert browser.get(theirs).status == 404, path
        own_form = browser.get("/bills/add/").fields()
        assert browser.post(theirs, {**own_form, **BILL}).status == 404, path
    assert bill_of(site, owner) == before


@pytest.mark.feature("BT-37")
def test_the_owner_in_a_form_is_ignored(site, new_person):
    """A bill belongs to the session's user, whichever owner the form names."""
    victim, sender = new_person(), new_person()
    ((victim_id,),) = site.rows("SELECT owner_id FROM tracker_bill WHERE id = ?", victim.bill)
    ((sender_id,),) = site.rows("SELECT owner_id FROM tracker_bill WHERE id = ?", sender.bill)
    browser = sender.log_in()
    named = {"owner": str(victim_id), "owner_id": str(victim_id), "user": str(victim_id)}
    assert browser.submit("/bills/add/", {**BILL, **named}).status == 302
    ((newest,),) = site.rows("SELECT owner_id FROM tracker_bill ORDER BY id DESC LIMIT 1")
    assert newest == sender_id
    assert browser.submit(f"/bills/{sender.bill}/", {**BILL, **named}).status == 302
    assert bill_of(site, sender)[0] == sender_id


def test_a_bill_is_changed_and_deleted_by_its_owner(site, person):
    browser = person.log_in()
    page = f"/bills/{person.bill}/"
    assert browser.get(page).fields()["amount"] == "12.50"
    assert browser.submit(page, BILL).location == "/"
    assert "99.90 EUR" in browser.get("/").text
    assert browser.submit(f"{page}delete/", {}).location == "/"
    assert browser.get(page).status == 404


@pytest.mark.parametrize(
    ("field", "value"),
    [("amount", "-1"), ("currency", "€"), ("due_on", "soon"), ("payee_name", "")],
)
def test_a_faulty_bill_is_not_stored(site, person, field, value):
    browser = person.log_in()
    answer = browser.submit(f"/bills/{person.bill}/", {**BILL, field: value})
    assert answer.status == 200
    assert "errorlist" in answer.text
    assert bill_of(site, person)[1] == 12.5


def test_the_access_url_of_a_bank_is_never_shown(person):
    browser = person.log_in()
    page = f"/banks/{person.bank}/"
    assert "canary" not in browser.get(page).text
    assert browser.submit(page, {"name": "Renamed", "access_url": ""}).location == "/banks/"
    shown = browser.get("/banks/").text
    assert "Renamed" in shown
    assert "canary" not in shown


def test_a_connection_is_added_and_deleted(person):
    browser = person.log_in()
    form = {"name": "Second", "access_url": "https://u:p@bank.example/"}
    assert browser.submit("/banks/add/", form).location == "/banks/"
    assert browser.submit(f"/banks/{person.bank}/delete/", {}).location == "/banks/"
    shown = browser.get("/banks/").text
    assert "Second" in shown
    assert "My bank" not in shown


def test_the_demo_data_is_cleared_for_its_owner_alone(site, new_person):
    owner, other = new_person(), new_person()
    assert owner.log_in().submit("/demo-data/clear/", {}).location == "/"
    left = site.rows("SELECT id FROM tracker_bill WHERE id IN (?, ?)", owner.bill, other.bill)
    assert left == [(other.bill,)]
