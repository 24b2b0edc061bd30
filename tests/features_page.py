"""Writes `docs/features.md` from the marks and docstrings of the tests.

`python -m tests.features_page` writes the page; a test holds it equal to what this makes.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.source_tree import ROOT, Function, parse

PAGE = ROOT / "docs" / "features.md"
LEFT_OUT = Path(__file__).with_name("features_left_out.json")
SYSTEMS = {"BT": ("BillTracker", 76), "TC": ("Tracera", 28), "TK": ("TREK", 70), "BD": ("bdk", 34)}
"""The systems whose behaviour is brought to Django, and how many behaviours each has."""

HEAD = (
    "# Features\n\n"
    "Behaviours of four systems that this package brings to Django, and the test that shows each. "
    "The letters\nof an id name the system: {systems}. The sentence is the docstring of the test, "
    "or of\nits module where all of it shows one behaviour; where the original does it "
    "otherwise, the sentence says what is done here.\n\n"
    "`python -m tests.features_page` writes this page.\n"
)
LATER = """## Not shown by a test here

| Id | Why |
|---|---|
"""


class Shown(NamedTuple):
    """One behaviour as a test shows it."""

    id: str
    behaviour: str
    test: str


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page's text."""
    parts = [HEAD.format(systems=_systems())]
    rows = list(shown())
    for prefix, (name, _count) in SYSTEMS.items():
        own = sorted({row for row in rows if row.id.startswith(prefix)}, key=_order)
        parts.append(f"## {name}\n\n| Id | Behaviour | Test |\n|---|---|---|\n" + _table(own))
    reasons = sorted(left_out().items(), key=lambda item: _number(item[0]))
    parts.append(LATER + "".join(f"| {name} | {_cell(why)} |\n" for name, why in reasons))
    return "\n".join(parts)


def all_ids() -> list[str]:
    """Return every id there is, in order."""
    return [
        f"{prefix}-{number:02}"
        for prefix, (_name, count) in SYSTEMS.items()
        for number in range(1, count + 1)
    ]


def left_out() -> dict[str, str]:
    """Return the ids that no test shows, with the reason."""
    by_reason: dict[str, list[str]] = json.loads(LEFT_OUT.read_text(encoding="utf-8"))
    return {name: reason for reason, names in by_reason.items() for name in names}


def shown() -> Iterator[Shown]:
    """Yield what the tests show, in the order of the files."""
    for module in sorted((ROOT / "tests").rglob("test_*.py")):
        yield from shown_by(parse(module), str(module.relative_to(ROOT)))


def shown_by(tree: ast.Module, file: str) -> Iterator[Shown]:
    """Yield what one module shows as a whole, by `pytestmark`, and what each of its tests shows."""
    yield from (Shown(name, _sentence(tree), file) for name in _ids_of_module(tree))
    for test, ids in _tests(tree, frozenset()):
        yield from (Shown(name, _sentence(test), f"{file}::{test.name}") for name in ids)


def _tests(
    tree: ast.Module | ast.ClassDef, outer: frozenset[str]
) -> Iterator[tuple[Function, frozenset[str]]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node, outer | _ids(node.decorator_list))
        elif isinstance(node, Function) and node.name.startswith("test"):
            yield node, outer | _ids(node.decorator_list)


def _ids_of_module(tree: ast.Module) -> frozenset[str]:
    return _ids(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(name, ast.Name) and name.id == "pytestmark" for name in node.targets)
    )


def _ids(marks: Iterable[ast.AST]) -> frozenset[str]:
    """Return the ids in `pytest.mark.feature(...)`, those of single parameters included."""
    return frozenset(
        str(ast.literal_eval(argument))
        for mark in marks
        for node in ast.walk(mark)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.feature"
        for argument in node.args
    )


def _sentence(node: Function | ast.Module) -> str:
    first = (ast.get_docstring(node) or "").partition("\n\n")[0]
    return re.sub(r"\s+", " ", first)


def _table(rows: Iterable[Shown]) -> str:
    lines = []
    for row in rows:
        file, _separator, name = row.test.partition("::")
        label = name or Path(file).name
        lines.append(f"| {row.id} | {_cell(row.behaviour)} | [`{label}`](../{file}) |\n")
    return "".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _order(row: Shown) -> tuple[int, str]:
    return _number(row.id), row.test


def _number(name: str) -> int:
    return all_ids().index(name)


def _systems() -> str:
    return ", ".join(f"{prefix} {name}" for prefix, (name, _count) in SYSTEMS.items())


if __name__ == "__main__":
    main()
