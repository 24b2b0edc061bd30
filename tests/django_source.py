"""Django's own tests, from the source package of the Django that is installed."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import django
import pytest

FOLDER = Path(tempfile.gettempdir()) / "bt-security-django-source"


@cache
def django_tests() -> Path:
    """Return the folder `tests` of Django's source; skip where the registry is out of reach."""
    home = FOLDER / django.__version__
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / f"{django.__version__}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _fetch(home)
    return home / "tests"


def _fetch(home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=FOLDER) as directory:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", ":all:", "--no-build-isolation", "--disable-pip-version-check"]
        fetched = subprocess.run(
            [*command, "--dest", directory, f"django=={django.__version__}"], capture_output=True
        )
        if fetched.returncode:
            pytest.skip("the source of Django cannot be fetched")
        (archive,) = Path(directory).glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            packed.extractall(directory, filter="data")
        (source,) = (path for path in Path(directory).iterdir() if path.is_dir())
        source.rename(home)
