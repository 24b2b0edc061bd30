"""The page about the JSON API has the routes and codes that there are."""

from __future__ import annotations

import pytest

from tests import api_page

pytestmark = pytest.mark.once


def test_the_tables_are_those_of_the_document():
    text = api_page.PAGE.read_text(encoding="utf-8")
    assert api_page.page(text) == text, "run `python -m tests.api_page`"


def test_every_route_and_every_code_is_on_the_page():
    text = api_page.PAGE.read_text(encoding="utf-8")
    for expected in ("GET api/openapi.json", "GET api/auth/me", "| 409 | `CONFLICT` |"):
        assert expected in text
