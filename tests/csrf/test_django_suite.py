"""Django's own tests of its CSRF protection, with the parts of this package around it."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.django_source import django_tests
from tests.source_tree import ROOT

pytestmark = pytest.mark.once


def test_djangos_own_tests_pass_with_our_parts_around():
    path = os.pathsep.join([str(ROOT), str(django_tests())])
    command = ["-m", "django", "test", "csrf_tests", "--settings=tests.csrf.django_suite"]
    run = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": path},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert re.search(r"Ran 1[0-9]{2} tests", run.stderr), run.stderr
