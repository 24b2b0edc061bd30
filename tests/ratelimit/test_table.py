"""The documentation shows the table that is in force."""

from __future__ import annotations

import pytest

from bt_security.conf import conf
from bt_security.conf.ratelimit import OPERATIONS, parse_rules
from bt_security.ratelimit import markdown_table
from tests.source_tree import ROOT

pytestmark = pytest.mark.once


@pytest.mark.feature("BT-53")
def test_the_page_has_the_table_byte_for_byte():
    """The table of limits in the documentation is generated from the one that is in force."""
    page = (ROOT / "docs" / "rate-limits.md").read_bytes()
    assert page.count(b"| Operation |") == 1
    assert f"\n\n{markdown_table()}\n\n".encode() in page


def test_the_table_is_what_a_site_without_settings_gets():
    assert conf.ratelimit.operation_names() == list(OPERATIONS)
    for name, operation in OPERATIONS.items():
        assert conf.ratelimit.rules_of(name) == parse_rules(operation.rules)
        assert f"| `{name}` | `{operation.rules}` |" in markdown_table()
