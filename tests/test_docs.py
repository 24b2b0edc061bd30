"""The docs: what `make docs` checks, and the list of licences."""

from __future__ import annotations

import configparser
import re

import pytest

from tests import check_docs
from tests.markdown_pages import DOCS, anchors, code_blocks, links
from tests.source_tree import ROOT

pytestmark = pytest.mark.once

GROUPS = {"all", "dev", "test"}


@pytest.mark.parametrize(
    "check",
    [
        check_docs.wrong_links,
        check_docs.unlisted_pages,
        check_docs.wrong_settings_table,
        check_docs.broken_code,
    ],
)
def test_nothing_is_wrong(check):
    assert list(check()) == []


def test_every_dependency_has_its_licence():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    blocks = [config["options"]["install_requires"]]
    blocks += [
        block for extra, block in config["options.extras_require"].items() if extra not in GROUPS
    ]
    names = {
        re.split(r"[^\w.-]", line)[0].lower()
        for block in blocks
        for line in block.split("\n")
        if line
    }
    rows = re.findall(r"^\|(.+)\|$", (DOCS / "licences.md").read_text(), re.M)
    cells = {name.strip().lower() for row in rows for name in re.split(r"[|,]", row)}
    assert names - cells == set()


@pytest.mark.parametrize(
    ("target", "leads"),
    [
        ("checks.md", True),
        ("checks.md#e001", True),
        ("checks.md#e999", False),
        ("missing.md", False),
        ("../../outside.md", False),
        ("#all-settings", True),
        ("#nothing", False),
    ],
)
def test_a_link_leads_to_a_page_and_a_heading_of_it(target, leads):
    assert check_docs.leads_somewhere(DOCS / "settings.md", target) is leads


def test_links_in_code_are_none():
    text = "[a](b.md) `[c](d.md)`\n```\n[e](f.md)\n```\n![g](h.png)\n"
    assert list(links(text)) == ["b.md"]


def test_headings_are_named_as_web_pages_name_them():
    text = "# One, two\n\n## `key_status`: more\n\n## One two\n```\n# no heading\n```\n"
    assert anchors(text) == {"one-two", "key_status-more", "one-two-1"}


def test_code_in_a_list_is_found_without_its_indent():
    (block,) = code_blocks("1. text\n\n   ```python\n   a = 1\n   ```\n")
    assert (block.language, block.code, block.line) == ("python", "a = 1\n", 3)
