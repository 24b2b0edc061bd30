"""The page on the audit log lists every action that is recorded."""

from __future__ import annotations

import pytest

from tests import audit_page

pytestmark = pytest.mark.once


def test_the_table_is_that_of_the_registered_actions(audit_on):
    text = audit_page.PAGE.read_text(encoding="utf-8")
    assert audit_page.page_with(audit_page.table()) == text, "run `python -m tests.audit_page`"
