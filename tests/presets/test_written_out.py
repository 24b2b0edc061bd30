"""`docs/presets.md` has the strict settings written out, and they are those of the code."""

from __future__ import annotations

import pytest

from tests.presets.conftest import DJANGOS
from tests.source_tree import ROOT

pytestmark = pytest.mark.once

PAGE = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")


def test_the_page_has_the_same_settings(preset):
    block = next(part for part in PAGE.split("```python\n") if part.startswith("from csp"))
    written: dict = {}
    exec(block.partition("```")[0], written)
    found = preset()
    assert {name: written.get(name) for name in found if name != "INSTALLED_APPS"} == {
        name: value for name, value in found.items() if name != "INSTALLED_APPS"
    }
    assert len(written["MIDDLEWARE"]) == len(DJANGOS) + 2
