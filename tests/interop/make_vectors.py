"""Make the vectors of one replaced package with the package itself.

    python make_vectors.py PACKAGE ENVIRONMENT [POSTGRES_URL]

PACKAGE is a name of `PACKAGES`, ENVIRONMENT a virtual environment that holds the pinned version and
a Django it runs on. The script starts itself there once per set of keys: a model with one column
per field is saved and read back by the package, and what stands in the column is noted beside it.
Without POSTGRES_URL the database is SQLite in memory. Keys are fixed, initialisation vectors are
not.
"""

from __future__ import annotations

import datetime
import decimal
import importlib
import importlib.metadata
import importlib.util
import json
import platform
import subprocess
import sys
import uuid
import zoneinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.utils.safestring import SafeString

VECTORS = Path(__file__).with_name("vectors")

UTC = datetime.timezone.utc  # noqa: UP017 -- also runs on Python 3.10
LONG_TEXT = "Grüße, 世界, 🔑 ñ " * 12
WINTER_NIGHT = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901)
DATETIMES = [
    WINTER_NIGHT.replace(tzinfo=UTC),
    WINTER_NIGHT.replace(microsecond=0, tzinfo=datetime.timezone(datetime.timedelta(hours=5.5))),
    WINTER_NIGHT.replace(month=7, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
]
if importlib.util.find_spec("pytz"):  # the time zones of Django before 4.0
    pytz = importlib.import_module("pytz")
    DATETIMES += [
        pytz.timezone(name).localize(WINTER_NIGHT) for name in ("Europe/Berlin", "Etc/GMT-3", "UTC")
    ]
TEXTS = [
    None,
    "",
    "plain",
    LONG_TEXT,
    SafeString("<b>safe</b>"),
    "gAAAAABnot-a-token",
    "e2:0011aabb:x",
    "line\nand \x00",
]
JSON_VALUES = [
    None,
    {},
    [],
    "text",
    {"name": "Zoë", "tags": ["a", "b"], "deep": {"n": 1, "x": None, "yes": True, "f": 1.5}},
]
VALUES: dict[str, list[Any]] = {
    "TextField": TEXTS,
    "CharField": TEXTS[:4],
    "EmailField": ["Ada@Example.org"],
    "URLField": ["https://example.org/?q=ä"],
    "IntegerField": [None, 0, 7, -2147483648],
    "FloatField": [0.0, 1.5, -1e-9],
    "BooleanField": [True, False],
    "DecimalField": [decimal.Decimal("1.50"), decimal.Decimal("-0.01")],
    "DateField": [None, datetime.date(2026, 2, 28)],
    "TimeField": [datetime.time(23, 59, 1, 5)],
    "DateTimeField": DATETIMES,
    "UUIDField": [uuid.UUID("12345678-1234-5678-1234-567812345678")],
    "GenericIPAddressField": ["192.0.2.1", "2001:db8::1"],
    "BinaryField": [b"", b"\x00\xff\x80bytes"],
    "JSONField": JSON_VALUES,
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "CharField": {"max_length": 2000},
    "DecimalField": {"max_digits": 9, "decimal_places": 2},
}
FEW = {"TextField": ["plain", LONG_TEXT], "IntegerField": [7], "DateField": [datetime.date.min]}

NEW, OLD = "new secret key of the vectors, fifty letters long!", "old secret key, also long enough!"
FERNET_NEW = "bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5ldyE="
FERNET_OLD = "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE="

# What a package cannot save or read back itself, whatever the reader does.
BROKEN = {
    ("fernet_fields", "postgresql"): {"IntegerField"},  # KeyError while saving
}

# Per package: module of the fields, then sets of keys; the first set takes every value.
FERNET_FIELDS_KEYS = {
    "listed": {"SECRET_KEY": NEW, "FERNET_KEYS": ["old fernet key"]},
    "listed-again": {"SECRET_KEY": NEW, "FERNET_KEYS": ["new fernet key", "old fernet key"]},
    "default": {"SECRET_KEY": OLD},
    "raw": {"SECRET_KEY": NEW, "FERNET_KEYS": [FERNET_OLD], "FERNET_USE_HKDF": False},
    "raw-again": {
        "SECRET_KEY": NEW,
        "FERNET_KEYS": [FERNET_NEW, FERNET_OLD],
        "FERNET_USE_HKDF": False,
    },
}
CRYPTOGRAPHY_KEYS = {
    "own": {"SECRET_KEY": NEW, "CRYPTOGRAPHY_KEY": "its own key", "CRYPTOGRAPHY_SALT": "salt"},
    "default": {"SECRET_KEY": OLD},
    "digest": {"SECRET_KEY": NEW, "CRYPTOGRAPHY_DIGEST": {"hash": "SHA3_256"}},
    "per-field": {"SECRET_KEY": NEW, "CRYPTOGRAPHY_FIELD_KEYS": [{"hex": "42" * 32}]},
}
PACKAGES: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "django-fernet-encrypted-fields": (
        "encrypted_fields.fields",
        {
            "old": {"SECRET_KEY": OLD, "SALT_KEY": "old salt"},
            "new": {
                "SECRET_KEY": NEW,
                "SECRET_KEY_FALLBACKS": [OLD],
                "SALT_KEY": ["new salt", "old salt"],
            },
        },
    ),
    "django-fernet-fields-v2": ("fernet_fields", FERNET_FIELDS_KEYS),
    "djfernet": (
        "fernet_fields",
        {
            **FERNET_FIELDS_KEYS,
            "prefix": {"SECRET_KEY": NEW, "DJFERNET_PREFIX": {"hex": b"own-prefix".hex()}},
        },
    ),
    "django-cryptography": ("django_cryptography.fields", CRYPTOGRAPHY_KEYS),
    "django-cryptography-5": ("django_cryptography.fields", CRYPTOGRAPHY_KEYS),
}


def main() -> None:
    package, environment, *database = sys.argv[1:]
    if environment == "--inside":
        key_set, database_url = database
        sys.stdout.write(json.dumps(vectors_of(package, key_set, database_url)))
        return
    python = Path(environment) / "bin" / "python"
    made: dict[str, Any] = {}
    for key_set in PACKAGES[package][1]:
        command = [python, __file__, package, "--inside", key_set, *(database or [""])]
        output = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        made |= {**output, "cases": [*made.get("cases", []), *output["cases"]]}
    made["keys"] = PACKAGES[package][1]
    name = "_".join([package, made["version"], "django", made["django"], made["database"]])
    text = json.dumps(made, indent=1, ensure_ascii=True, sort_keys=True)
    (VECTORS / f"{name}.json").write_text(text + "\n")


def vectors_of(package: str, key_set: str, database_url: str) -> dict[str, Any]:
    """Runs inside the package's own environment, with one set of keys."""
    module, key_sets = PACKAGES[package]
    configure(untagged_settings(key_sets[key_set]), database_url)
    vendor = "postgresql" if database_url else "sqlite"
    values = VALUES if key_set == next(iter(key_sets)) else FEW
    names = values.keys() - BROKEN.get((module, vendor), set())
    fields = {name: old_field(module, name, key_set) for name in sorted(names)}
    row = old_model({name: field for name, field in fields.items() if field is not None})
    cases = [
        {"keys": key_set, "field": name, **stored_case(row, name, value)}
        for name in row.names
        for value in values[name]
        if not (database_url and value == TEXTS[-1])  # PostgreSQL takes no NUL
    ]
    return {
        "package": package,
        "version": importlib.metadata.version(package),
        "django": django.get_version(),
        "python": platform.python_version(),
        "database": vendor,
        "cases": cases,
    }


def untagged_settings(key_set: dict[str, Any]) -> dict[str, Any]:
    from_tag = {
        "hash": lambda name: getattr(hashes, name)(),
        "hex": bytes.fromhex,
    }
    hashes = importlib.import_module("cryptography.hazmat.primitives.hashes")
    return {
        name: next(from_tag[tag](text) for tag, text in value.items())
        if isinstance(value, dict)
        else value
        for name, value in key_set.items()
    }


def configure(keys: dict[str, Any], database_url: str) -> None:
    database: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    if database_url:
        parts = urlsplit(database_url)
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": parts.path[1:],
            "USER": parts.username,
            "HOST": parts.hostname,
            "PORT": parts.port,
        }
    settings.configure(
        DATABASES={"default": database}, USE_TZ=True, TIME_ZONE="Europe/Berlin", **keys
    )
    django.setup()


def old_field(module: str, name: str, key_set: str) -> Any:
    """The package's field for this base, None where it has none."""
    package = importlib.import_module(module)
    base = getattr(importlib.import_module("django.db.models"), name)
    arguments = {"null": True, **ARGUMENTS.get(name, {})}
    if encrypt := getattr(package, "encrypt", None):
        key = b"\x42" * 32 if key_set == "per-field" else None
        return encrypt(base(**arguments), key=key)
    kind = getattr(package, f"Encrypted{name}", None)
    return kind and kind(**arguments)


def old_model(fields: dict[str, Any]) -> Any:
    models = importlib.import_module("django.db.models")
    connection = importlib.import_module("django.db").connection
    meta = type("Meta", (), {"app_label": "vectors"})
    names = list(fields)
    row = type("Row", (models.Model,), {**fields, "__module__": "vectors", "Meta": meta})
    with connection.cursor() as cursor:
        cursor.execute('DROP TABLE IF EXISTS "vectors_row"')
    with connection.schema_editor() as editor:
        editor.create_model(row)
    row.names = names
    return row


def stored_case(row: Any, name: str, value: Any) -> dict[str, Any]:
    connection = importlib.import_module("django.db").connection
    made = row.objects.create(**{name: value})
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT "{name}" FROM "vectors_row" WHERE id = {made.pk:d}')
        stored = cursor.fetchone()[0]
    read = getattr(row.objects.get(pk=made.pk), name)
    return {"given": tagged(value), "stored": tagged(stored), "read": tagged(read)}


def tagged(value: Any) -> Any:
    """A JSON value that `tests.interop.vector_files.untagged` turns back."""
    if isinstance(value, (bytes, memoryview)):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, (decimal.Decimal, uuid.UUID)):
        return {type(value).__name__: str(value)}
    if isinstance(value, (dict, list)):
        return {"json": value}
    return value


if __name__ == "__main__":
    main()
