"""Import, `django.setup()` and the first use of a model with 20 fields, each in new processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial

from benchmarks.measure import Options, Timed, paired
from benchmarks.report import Line, Result

CLOCK = "import os, time\nnow = getattr(time, os.environ['BT_BENCH_CLOCK'])\n"

IMPORT = CLOCK + "import {0}\nstarted = now()\nimport {1}\nprint(now() - started)"

SETUP = (
    CLOCK
    + """
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 60, USE_TZ=True,
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}},
    INSTALLED_APPS=[
        "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
        "django.contrib.messages", "django.contrib.sessions", *{0!r},
    ],
)
started = now()
django.setup()
print(now() - started)
"""
)

FIRST_USE = (
    CLOCK
    + """
import django
django.setup()
from django.db import connection, models
from bt_security.fields import EncryptedTextField
connection.ensure_connection()
started = now()
fields = {{f"f{{n}}": {0}() for n in range(20)}}
meta = type("Meta", (), {{"app_label": "encryption"}})
model = type("First", (models.Model,), {{"__module__": "first", "Meta": meta, **fields}})
for field in model._meta.fields[1:]:
    text = field.get_db_prep_save("x" * 64, connection)
    if hasattr(field, "from_db_value"):
        field.from_db_value(text, None, connection)
print(now() - started)
"""
)

CRYPTO = "cryptography.hazmat.primitives.ciphers.aead"


def run(options: Options) -> Result:
    with tempfile.TemporaryDirectory(prefix="bt-bench-compiled-") as compiled:
        return Result("start", measure(options, partial(child, options=options, compiled=compiled)))


def measure(options: Options, new: Callable[[str], Timed]) -> list[Line]:
    """Measure; `new` makes a measurement in new processes."""
    loaded = f"django.db.models, {CRYPTO}"
    cases = [
        (
            "import bt_security.fields / import cryptography's AES-GCM",
            IMPORT.format("django.db.models", "bt_security.fields"),
            IMPORT.format("django.db.models", CRYPTO),
        ),
        (
            "import bt_security.fields, Django and cryptography loaded / django.db.models",
            IMPORT.format(loaded, "bt_security.fields"),
            IMPORT.format("json", "django.db.models"),
        ),
        (
            "django.setup() with the app / without",
            SETUP.format(["bt_security"]),
            SETUP.format([]),
        ),
        (
            "model of 20 fields: made, first value sealed and opened / plain fields",
            FIRST_USE.format("EncryptedTextField"),
            FIRST_USE.format("models.TextField"),
        ),
    ]
    return [
        Line.of(what, paired(new(ours), new(floor), options.repeats), "ms")
        for what, ours, floor in cases
    ]


def child(code: str, *, options: Options, compiled: str) -> Timed:
    """Make a measurement that runs `code` in a new process, which prints its seconds.

    Compiled modules are kept in a folder of the run, as on a site, whatever the environment says.
    """
    clock = "process_time" if options.clock == "cpu" else "perf_counter"
    environment = {**os.environ, "BT_BENCH_CLOCK": clock, "PYTHONPYCACHEPREFIX": compiled}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def timed() -> float:
        found = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(found.stdout)

    return timed
