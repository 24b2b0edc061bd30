"""The table of features: every behaviour is shown by a test or named with a reason."""

from __future__ import annotations

import ast
import re

import pytest

from tests import features_page
from tests.source_tree import ROOT

pytestmark = pytest.mark.once

MODULE = '''
"""What all of it shows."""

pytestmark = [pytest.mark.once, pytest.mark.feature("BT-01")]


@pytest.mark.feature("BT-02", "BT-03")
def test_one():
    """What one test
    shows.

    And why.
    """


@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.feature("BT-04")), 2])
async def test_two(x):
    """Two."""


@pytest.mark.feature("BT-05")
class TestGroup:
    def test_three(self):
        """Three."""


def test_other():
    """Nothing of that kind."""
'''


def test_the_page_is_the_one_that_the_tests_make():
    message = "run `python -m tests.features_page`"
    assert features_page.PAGE.read_text(encoding="utf-8") == features_page.page(), message


def test_every_behaviour_is_shown_or_left_out_with_a_reason():
    shown = {row.id for row in features_page.shown()}
    missing = set(features_page.all_ids()) - shown - features_page.left_out().keys()
    assert sorted(missing) == []


def test_what_is_shown_is_not_in_the_list_of_what_is_left_out():
    shown = {row.id for row in features_page.shown()}
    assert sorted(shown & features_page.left_out().keys()) == []


def test_there_is_no_other_id():
    named = {row.id for row in features_page.shown()} | features_page.left_out().keys()
    assert named - set(features_page.all_ids()) == set()


def test_every_behaviour_is_said_in_a_sentence():
    silent = sorted({row.test for row in features_page.shown() if not row.behaviour.endswith(".")})
    assert silent == []


def test_nothing_else_names_an_id():
    pattern = re.compile(rf"\b(?:{'|'.join(features_page.SYSTEMS)})-\d\d\b")
    files = [
        path
        for folder in ("bt_security", "docs", "example_project", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".html", ".js"} and path != features_page.PAGE
    ]
    assert [str(path) for path in files if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_a_mark_is_found_on_module_class_test_and_parameter():
    found = {
        (row.id, row.behaviour, row.test)
        for row in features_page.shown_by(ast.parse(MODULE), "tests/test_x.py")
    }
    assert found == {
        ("BT-01", "What all of it shows.", "tests/test_x.py"),
        ("BT-02", "What one test shows.", "tests/test_x.py::test_one"),
        ("BT-03", "What one test shows.", "tests/test_x.py::test_one"),
        ("BT-04", "Two.", "tests/test_x.py::test_two"),
        ("BT-05", "Three.", "tests/test_x.py::test_three"),
    }
