"""`docs/checks.md` has a section for every id of this folder."""

from __future__ import annotations

import re

import pytest

from tests.source_tree import PACKAGE, ROOT

pytestmark = pytest.mark.once

SOURCES = [module.read_text(encoding="utf-8") for module in (PACKAGE / "checks").glob("*.py")]
IDS = sorted(set(re.findall(r'"([EW]\d{3})"', "".join(SOURCES))))
PAGE = (ROOT / "docs" / "checks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", IDS)
def test_an_id_has_its_section(number):
    assert re.search(rf"^## {number}$", PAGE, re.MULTILINE)


def test_no_section_stands_there_twice():
    sections = re.findall(r"^## ([EW]\d{3})$", PAGE, re.MULTILINE)
    assert len(sections) == len(set(sections))
