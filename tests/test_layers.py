"""Imports go one way: a line of `layers.txt` imports the lines above it, never its own line.

The list is the one of the design, with three names more. `operations` and `serializers` on its
last line are import paths for hosts' migrations and settings files: they rest on the fields, and
nothing inside the package may rest on them. `deployment` compares a site with the presets, which
the line of `checks` cannot.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.source_tree import (
    PACKAGE,
    ROOT,
    functions,
    imported_names,
    package_modules,
    parse,
)

pytestmark = pytest.mark.once

LINES = Path(__file__).with_name("layers.txt").read_text(encoding="utf-8").splitlines()
LAYER_OF = {name: layer for layer, line in enumerate(LINES) for name in line.split()}
LAZY_FACADES = {"middleware", "decorators"}  # settings files name them before the apps are ready


def top_name(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


def own_targets(tree: ast.AST) -> set[str]:
    """Names of the list that `tree` imports; what lives in the root module counts as `__init__`."""
    names = (name.split(".") for name in imported_names(tree))
    own = [parts[1:] for parts in names if parts[0] == PACKAGE.name]
    return {rest[0] if rest and rest[0] in LAYER_OF else "__init__" for rest in own}


def forbidden_targets(name: str, tree: ast.AST) -> set[str]:
    own_layer = LAYER_OF[name]
    return {
        target for target in own_targets(tree) if target != name and LAYER_OF[target] >= own_layer
    }


def test_every_module_is_on_the_list():
    names = {top_name(module) for module in package_modules()}
    assert names - LAYER_OF.keys() == set()


def test_imports_go_one_way():
    found = {
        str(module.relative_to(ROOT)): forbidden
        for module in package_modules()
        if (forbidden := forbidden_targets(top_name(module), parse(module)))
    }
    assert found == {}


def test_own_imports_stand_at_the_top():
    late = [
        f"{module.relative_to(ROOT)}: {function.name}"
        for module in package_modules()
        if top_name(module) not in LAZY_FACADES
        for function in functions(parse(module))
        if own_targets(function)
    ]
    assert late == []


def test_crypto_loads_without_django():
    probe = "import sys, bt_security.crypto; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    ("source", "forbidden"),
    [
        ("import django", set()),
        ("from bt_security.keys.sources import load", set()),
        ("from bt_security import conf", set()),
        ("from bt_security.crypto import aead", set()),
        ("import bt_security.fields.base", {"fields"}),
        ("from bt_security import audit", {"audit"}),
        ("def late():\n    from bt_security import mfa", {"mfa"}),
        ("if TYPE_CHECKING:\n    from bt_security.models import Setting", {"models"}),
    ],
)
def test_an_upward_import_is_found(source, forbidden):
    assert forbidden_targets("keys", ast.parse(source)) == forbidden


def test_an_import_from_the_own_line_is_found():
    assert forbidden_targets("net", ast.parse("from bt_security.crypto import seal")) == {"crypto"}
