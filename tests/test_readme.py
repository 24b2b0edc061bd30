"""README says what is so: its code runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.markdown_pages import README, code_blocks

pytestmark = pytest.mark.once

TEXT = README.read_text(encoding="utf-8")
BLOCKS = code_blocks(TEXT)

SITE = """
import doctest, sys
import django
from django.conf import settings
from django.core.management import call_command

readme = {}
exec(sys.argv[1], readme)
settings.configure(
    SECRET_KEY="k" * 50,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}},
    INSTALLED_APPS=["shop", *(app for app in readme["INSTALLED_APPS"] if app is not ...)],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
call_command("check", "--fail-level=WARNING", verbosity=0)
call_command("makemigrations", "shop", verbosity=0)
call_command("migrate", verbosity=0)
session = doctest.DocTestParser().get_doctest(sys.argv[2], {}, "README", "README.md", 0)
runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
runner.run(session)
sys.exit(runner.summarize(verbose=False).failed or not session.examples)
"""


def blocks_in(language: str) -> list[str]:
    return [block.code for block in BLOCKS if block.language == language]


def test_the_first_code_stands_early():
    assert BLOCKS[0].language == "python"
    assert BLOCKS[0].line < 15


def test_it_stays_readable_in_one_go():
    assert len(TEXT.splitlines()) < 200


def test_python_code_compiles():
    for code in blocks_in("python"):
        compile(code, "README.md", "exec")


def test_the_code_does_what_it_says_on_a_new_site(tmp_path):
    """The first block is the app's models, the session runs after `migrate`."""
    models, installed_apps = blocks_in("python")
    (session,) = blocks_in("pycon")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "models.py").write_text(models)
    site = [sys.executable, "-W", "error", "-c", SITE, installed_apps, session]
    done = subprocess.run(site, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
