"""The built wheel and sdist, and what the one line in INSTALLED_APPS does to a fresh project."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests.source_tree import PACKAGE, ROOT, imported_names, package_modules, parse

pytestmark = pytest.mark.once

PROBE = Path(__file__).with_name("packaging_probe.py")
DATA_FOLDERS = ("locale", "static", "templates")
FOLDERS = ("bt_security", "tests")
FILES = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md", "CHANGELOG.md")
TOOL_EXTRAS = {"all", "dev", "test"}
COMES_WITH_DJANGO = {"asgiref"}  # Django pins the range that it works with


def run(*command: object, cwd: Path) -> str:
    """Run a command without this process's settings and return its output."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def distributions(tmp_path_factory) -> Path:
    """A folder with the wheel and the sdist, built from a copy of the tree."""
    source = tmp_path_factory.mktemp("source")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "build", "--no-isolation", cwd=source)
    return source / "dist"


@pytest.fixture(scope="module")
def wheel(distributions) -> Path:
    return next(distributions.glob("*.whl"))


@pytest.fixture(scope="module")
def python(tmp_path_factory, wheel) -> Path:
    """Interpreter of a new environment with the wheel; its dependencies are borrowed from ours."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    install = ["pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    run(sys.executable, "-m", *install, cwd=folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python


@pytest.fixture(scope="module")
def project(tmp_path_factory, python) -> Path:
    folder = tmp_path_factory.mktemp("project")
    run(python, "-m", "django", "startproject", "site_config", folder, cwd=folder)
    return folder


def migrate_and_probe(python: Path, project: Path) -> dict[str, Any]:
    run(python, "manage.py", "migrate", cwd=project)
    shell = ["manage.py", "shell", "--no-imports", "--command", PROBE.read_text()]
    return json.loads(run(python, *shell, cwd=project))


def test_wheel_holds_the_whole_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {name for name in names if ".dist-info/" not in name}
    sources = {str(path.relative_to(ROOT)) for path in package_modules()}
    data = {
        str(path.relative_to(ROOT))
        for folder in DATA_FOLDERS
        for path in (PACKAGE / folder).rglob("*")
        if path.is_file()
    }
    assert shipped == sources | data | {"bt_security/py.typed"}


def test_sdist_holds_no_tests(distributions):
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "setup.cfg", "bt_security/py.typed"} <= names
    assert [name for name in names if name.startswith("tests")] == []


def test_every_import_is_declared():
    imported = {
        name.split(".")[0] for path in package_modules() for name in imported_names(parse(path))
    }
    foreign = imported - {PACKAGE.name} - sys.stdlib_module_names
    owners = packages_distributions()  # an extra that is not installed here is unknown to it
    used = {normalised(owner) for name in foreign for owner in owners.get(name, [])}
    assert used - declared_names() - COMES_WITH_DJANGO == set()


def declared_names() -> set[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    blocks = [config["options"]["install_requires"]]
    for extra, block in config["options.extras_require"].items():
        if extra not in TOOL_EXTRAS:
            blocks.append(block)
    return {normalised(line) for block in blocks for line in block.split("\n") if line}


def normalised(requirement: str) -> str:
    name = re.split(r"[^\w.-]", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_one_line_changes_nothing_for_visitors_and_signals(python, project):
    before = migrate_and_probe(python, project)
    settings = project / "site_config" / "settings.py"
    text = settings.read_text()
    settings.write_text(text.replace("INSTALLED_APPS = [", 'INSTALLED_APPS = [\n"bt_security",'))
    assert "no issues (0 silenced)" in run(python, "manage.py", "check", cwd=project)
    assert migrate_and_probe(python, project) == before
    assert "bt_security" in run(python, "manage.py", "showmigrations", cwd=project)
