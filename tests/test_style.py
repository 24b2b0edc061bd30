"""Size of files and functions, and names that say nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.source_tree import ROOT, Function, functions, parse

pytestmark = pytest.mark.once

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
FOLDERS = ["bt_security", "tests", "benchmarks", "example_project"]
# Django writes migrations; the peers' script is kept as it came, so that its figures compare.
NOT_WRITTEN_HERE = {"migrations", "peers"}
SOURCES = sorted(
    module
    for folder in FOLDERS
    for module in (ROOT / folder).rglob("*.py")
    if not NOT_WRITTEN_HERE & set(module.relative_to(ROOT).parts)
)
EMPTY_NAMES = {"utils", "helpers", "common", "manager"}


def code_lines(function: Function) -> int:
    """Lines from `def` to the end; a docstring is free."""
    start, last = function.lineno, function.end_lineno or function.lineno
    head = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        last -= (head.end_lineno or head.lineno) - head.lineno + 1
    return last - start + 1


def shown(module: Path) -> str:
    return str(module.relative_to(ROOT))


def test_no_file_is_too_long():
    lengths = {shown(module): len(module.read_text().splitlines()) for module in SOURCES}
    assert {name: n for name, n in lengths.items() if n > FILE_LINES_MAX} == {}


def test_no_function_is_too_long():
    long_ones = {
        f"{shown(module)}: {function.name}": code_lines(function)
        for module in SOURCES
        for function in functions(parse(module))
        if code_lines(function) > FUNCTION_LINES_MAX
    }
    assert long_ones == {}


def test_every_file_is_named_after_what_it_knows():
    assert [shown(module) for module in SOURCES if module.stem in EMPTY_NAMES] == []


def test_a_docstring_does_not_count():
    source = 'def f():\n    """One.\n\n    Two.\n    """\n    return 1\n'
    assert code_lines(next(functions(ast.parse(source)))) == 2
