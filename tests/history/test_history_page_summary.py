"""The page with the own log-ins per day and the places they came from."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone, translation

from bt_security.models import LoginOutcome
from tests.history.conftest import make_user
from tests.history.reading import (
    CITY,
    NOW,
    SUMMARY,
    browser,
    full,
    mary,
    several,
    shown,
    site,
    spoil,
    stored,
)

__all__ = ["mary", "site"]

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def test_the_summary_draws_the_own_log_ins(mary, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    client = browser(mary)
    several(mary, 3)
    several(mary, 2, outcome=LoginOutcome.FAILURE)
    stored(make_user("bob"))
    page = shown(client, SUMMARY)
    assert page.count(' y="0.0"') + page.count(' y="80.0"') == 2
    assert "5 log-ins and refusals, at most 5 on one day." in page
    assert re.search(r'aria-labelledby="bt-chart-title bt-chart-text"', page)
    assert re.search(r"<th scope=\"row\">03/31/2026</th><td>3</td><td>2</td><td>0</td>", page)


def test_the_summary_lists_places_and_draws_no_map(mary):
    full(mary)
    page = shown(browser(mary), SUMMARY)
    assert f'<th scope="row">{CITY}</th>' in page
    assert "<td>Country</td>" in page
    assert "<img" not in page
    assert "<iframe" not in page


def test_the_summary_without_places_says_who_decides(mary):
    page = shown(browser(mary), SUMMARY)
    assert "No place of a log-in is stored." in page
    assert 'href="/account/privacy/"' in page


def test_the_summary_counts_places_that_do_not_open(mary):
    spoil(full(mary), "location_city")
    assert "1 place cannot be read." in shown(browser(mary), SUMMARY)


def test_numbers_of_the_chart_are_written_as_svg_has_them_in_any_language(mary):
    several(mary, 3, start=timezone.now())
    client = browser(mary)
    with translation.override("de"):
        page = client.get(SUMMARY, headers={"accept-language": "de"}).content.decode()
    assert '<html lang="' in page
    assert not re.search(r' (?:x|y|width|height)="\d+,', page)
