"""Import, `django.setup()` and the first use of a model with 20 fields, each in new processes."""

from __future__ import annotations

import os
import subprocess
import sys

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
    repeats = options.repeats
    fields = f"django.db.models, {CRYPTO}"
    with_app = child(SETUP.format(["bt_security"]), options)
    without = child(SETUP.format([]), options)
    lines = [
        Line.of(
            "import bt_security.fields / import cryptography's AES-GCM",
            paired(
                child(IMPORT.format("django.db.models", "bt_security.fields"), options),
                child(IMPORT.format("django.db.models", CRYPTO), options),
                repeats,
            ),
            "ms",
        ),
        Line.of(
            "import bt_security.fields, Django and cryptography loaded / django.db.models",
            paired(
                child(IMPORT.format(fields, "bt_security.fields"), options),
                child(IMPORT.format("json", "django.db.models"), options),
                repeats,
            ),
            "ms",
        ),
        Line.of("django.setup() with the app / without", paired(with_app, without, repeats), "ms"),
        Line.of(
            "model of 20 fields: made, first value sealed and opened / plain fields",
            paired(
                child(FIRST_USE.format("EncryptedTextField"), options),
                child(FIRST_USE.format("models.TextField"), options),
                repeats,
            ),
            "ms",
        ),
    ]
    return Result("start", lines)


def child(code: str, options: Options) -> Timed:
    """Make a measurement that runs `code` in a new process, which prints its seconds."""
    clock = "process_time" if options.clock == "cpu" else "perf_counter"

    def timed() -> float:
        environment = {**os.environ, "BT_BENCH_CLOCK": clock}
        found = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return float(found.stdout)

    return timed
