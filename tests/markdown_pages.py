"""Reads README and docs for the tests about them: code blocks, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.source_tree import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "docs"

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^(?P=indent)```$", re.M | re.S
)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<text>.+?) *#*$", re.M)


@dataclass(frozen=True)
class Block:
    """One code block; `line` is that of its fence, counted from 1."""

    language: str
    code: str
    line: int


def pages() -> list[Path]:
    return [README, *sorted(DOCS.glob("**/*.md"))]


def code_blocks(text: str) -> list[Block]:
    return [
        Block(
            found["language"],
            re.sub(rf"^{found['indent']}", "", found["code"], flags=re.M),
            text.count("\n", 0, found.start()) + 1,
        )
        for found in _FENCE.finditer(text)
    ]


def links(text: str) -> Iterator[str]:
    """Yield the targets of links that stand outside code."""
    for found in _LINK.finditer(re.sub(r"`[^`\n]*`", "", _FENCE.sub("", text))):
        yield found["target"]


def anchors(text: str) -> set[str]:
    """Return what `#…` may name: headings in the form that repositories' web pages give them."""
    found: dict[str, int] = {}
    names = set()
    for heading in _HEADING.finditer(_FENCE.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", heading["text"].lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        names.add(f"{slug}-{count}" if count else slug)
    return names
