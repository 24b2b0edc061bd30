"""The example site for one person, without a log-in."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.once, pytest.mark.servers, pytest.mark.feature("BT-38")]


@pytest.fixture(scope="module")
def small_site(start_site):
    return start_site(SINGLE_USER="p1@example.org")


def test_a_visitor_is_the_one_user_and_no_administrator(small_site, visitor_of):
    """In single-user mode a visitor opens the tracker without a log-in, the admin not."""
    visitor = visitor_of(small_site)
    for page in ["/", "/bills/add/", "/banks/", "/account/"]:
        assert visitor.get(page).status == 200, page
    assert (
        visitor.submit("/banks/add/", {"name": "N", "access_url": "https://b.example/"}).status
        == 302
    )
    refused = visitor.get("/admin/")
    assert (refused.status, refused.location) == (302, "/admin/login/?next=/admin/")


def test_an_administrator_can_log_in_as_usual(small_site, visitor_of):
    """In single-user mode an administrator logs in to the admin and is kept out of the tracker."""
    visitor = visitor_of(small_site)
    form = {"username": "a1@example.org", "password": "Tr0ub4dor&3"}
    answer = visitor.submit("/admin/login/", form, action="/admin/login/")
    assert answer.status == 302
    assert visitor.get("/admin/").status == 200
    assert visitor.get("/").status == 403
