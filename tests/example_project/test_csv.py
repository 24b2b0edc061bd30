"""CSV import in two steps, and export."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers]

HEAD = "payee,amount,currency,due_on,customer_number,note\n"
TWO = f'{HEAD}Water works,10.00,EUR,2030-01-01,55-66,\nBakery,2.50,EUR,2030-01-02,,"two\nlines"\n'


def preview(browser, text):
    return browser.upload("/import/", text, action="/import/")


def count(site):
    return site.rows("SELECT COUNT(*) FROM tracker_bill")[0][0]


def test_a_preview_stores_nothing(site, person):
    browser = person.log_in()
    before = count(site)
    answer = preview(browser, TWO)
    assert "2 bills found" in answer.text
    assert "Water works" in answer.text
    assert count(site) == before


def test_what_was_previewed_is_imported(site, person):
    browser = person.log_in()
    form = preview(browser, TWO).fields("/import/apply/")
    assert browser.post("/import/apply/", form).location == "/"
    shown = browser.get("/").text
    assert "Water works" in shown
    assert "Bakery" in shown


@pytest.mark.feature("BT-70")
def test_a_file_changed_after_the_preview_is_refused(site, person):
    """An import applies only the text that its preview showed, and refuses a changed one."""
    browser = person.log_in()
    form = preview(browser, TWO).fields("/import/apply/")
    before = count(site)
    form["text"] = form["text"].replace("2.50", "2500.00")
    answer = browser.post("/import/apply/", form)
    assert answer.status == 400
    assert "not what the preview showed" in answer.text
    assert count(site) == before


def test_a_preview_is_applied_once(site, person):
    browser = person.log_in()
    form = preview(browser, TWO).fields("/import/apply/")
    assert browser.post("/import/apply/", form).location == "/"
    before = count(site)
    again = browser.post("/import/apply/", form)
    assert again.status == 400
    assert "not what the preview showed" in again.text
    assert count(site) == before


def test_a_refused_import_leaves_its_preview_good(site, person):
    browser = person.log_in()
    form = preview(browser, TWO).fields("/import/apply/")
    before = count(site)
    assert browser.post("/import/apply/", {**form, "text": f"{TWO}x"}).status == 400
    assert browser.post("/import/apply/", form).location == "/"
    assert count(site) == before + 2


def test_the_preview_of_somebody_else_is_refused(site, new_person):
    form = preview(new_person().log_in(), TWO).fields("/import/apply/")
    browser = new_person().log_in()
    before = count(site)
    own = browser.get("/import/").fields("/import/")
    stolen = {**form, "csrfmiddlewaretoken": own["csrfmiddlewaretoken"]}
    assert browser.post("/import/apply/", stolen).status == 400
    assert count(site) == before


def test_a_file_with_one_fault_is_shown_and_cannot_be_applied(person):
    browser = person.log_in()
    answer = preview(browser, f"{TWO}Nobody,much,EUR,2030-01-01,,\n")
    assert "Amount: Enter a number." in answer.text
    assert "token" not in answer.fields("/import/apply/")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b\n1,2\n", "has no column payee"),
        ("", "empty"),
        (HEAD, "has no bill"),
        (HEAD + "x,1,EUR,2030-01-01,,\n" * 1_001, "more than 1000 bills"),
        (HEAD + "x" * 200_001, "larger than 200 kB"),
    ],
)
def test_what_is_no_file_of_bills_is_refused(person, text, reason):
    assert reason in preview(person.log_in(), text).text


def test_an_export_is_an_import(person):
    browser = person.log_in()
    form = preview(browser, TWO).fields("/import/apply/")
    browser.post("/import/apply/", form)
    export = browser.get("/export/bills.csv")
    assert export.headers["Content-Disposition"].startswith('attachment; filename="bills-')
    assert "3 bills found" in preview(browser, export.text).text


def test_a_formula_is_defused_in_the_export_and_comes_back(person):
    browser = person.log_in()
    form = preview(browser, f"{HEAD}=1+1,1,EUR,2030-01-01,,@x\n").fields("/import/apply/")
    browser.post("/import/apply/", form)
    export = browser.get("/export/bills.csv").text
    assert "'=1+1" in export
    assert ",'@x" in export
    assert "<td>=1+1</td>" in preview(browser, export).text
