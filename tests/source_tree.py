"""Reads the package's source text for the tests about its form; imports nothing of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bt_security"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def package_modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def parse(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of every import in `tree`, late and type-checking ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide what is imported"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(tree: ast.AST) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))
