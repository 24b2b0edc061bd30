"""The values in `vectors/`: what a replaced package stored, and what it gave back."""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from django.test import override_settings

FOLDER = Path(__file__).with_name("vectors")
READERS = {
    "django-cryptography": "django_cryptography",
    "django-cryptography-5": "django_cryptography",
    "django-fernet-encrypted-fields": "fernet_encrypted_fields",
    "django-fernet-fields-v2": "fernet_fields",
    "djfernet": "fernet_fields",
    "trek": "trek",
}
_FROM_TAG = {
    "bytes": bytes.fromhex,
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "time": datetime.time.fromisoformat,
    "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
    "json": lambda value: value,
    "hash": lambda name: getattr(hashes, name)(),
    "hex": bytes.fromhex,
}


@dataclass(frozen=True)
class Case:
    """One stored value. `all_keys` are the settings of every set of keys of its package."""

    name: str
    package: str
    reader: str
    keys: str
    field: str
    given: Any
    stored: Any
    read: Any
    all_keys: dict[str, dict[str, Any]]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the package when it stored the value."""
        return self.all_keys[self.keys]

    def with_keys(self, **changed: Any) -> AbstractContextManager[None]:
        """Run with the package's settings, some of them changed."""
        return override_settings(**{**self.settings, **changed})


def untagged(value: Any) -> Any:
    """Turn back what `make_vectors.tagged` wrote."""
    if isinstance(value, list):
        return [untagged(element) for element in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    return _FROM_TAG[tag](content)


def _cases(path: Path) -> list[Case]:
    made = json.loads(path.read_text(encoding="utf-8"))
    all_keys = {
        keys: {name: untagged(value) for name, value in settings.items()}
        for keys, settings in made["keys"].items()
    }
    return [
        Case(
            name=f"{path.stem}-{case['keys']}-{case['field']}-{number}",
            package=made["package"],
            reader=case.get("format", READERS[made["package"]]),
            keys=case["keys"],
            field=case["field"],
            given=untagged(case["given"]),
            stored=untagged(case["stored"]),
            read=untagged(case["read"]),
            all_keys=all_keys,
        )
        for number, case in enumerate(made["cases"])
    ]


CASES = [case for path in sorted(FOLDER.glob("*.json")) for case in _cases(path)]
STORED = [case for case in CASES if case.stored is not None]


def stored_by(reader: str, keys: str | None = None, field: str | None = None) -> list[Case]:
    """Cases of one reader, of one set of keys and one field where they are given."""
    return [
        case
        for case in STORED
        if case.reader == reader and keys in (None, case.keys) and field in (None, case.field)
    ]
