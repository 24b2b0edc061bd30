"""Sites whose keys change: an empty key table, keys by name, the commands as a person runs them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, connections, models

from bt_security import keys
from bt_security.crypto import sealing_key
from bt_security.keys.state import write_state
from bt_security.models import Setting
from tests.source_tree import ROOT

VARIABLES = ("TOKEN_ENCRYPTION_KEY", "TOKEN_ENCRYPTION_KEY_PREVIOUS")
OLD = "old-operator-key-of-the-rotation-tests-0123456789"
NEW = "new-operator-key-of-the-rotation-tests-9876543210"
THIRD = "third-operator-key-of-the-rotation-tests-abcdefgh"
IS_FULL = os.environ.get("BT_TEST_SCALE") == "full"


def key_variables(current: str = "", *previous: str) -> dict[str, str]:
    values = zip(VARIABLES, (current, ",".join(previous)), strict=True)
    return {name: value for name, value in values if value}


def use_keys(current: str = "", *previous: str) -> None:
    """Start over with these keys, as a restarted process would."""
    for name in VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(key_variables(current, *previous))
    keys.forget()


def prefix_of(key: str) -> str:
    return sealing_key("e2", key.encode()).prefix


def move_begun(key: str) -> None:
    """Note the move to an operator key long enough ago that every process has noticed it."""
    use_keys(key)
    since = datetime.now(UTC) - timedelta(minutes=1)
    write_state("migrating", keys.reload().operator_key, since=since)
    keys.forget()


def texts(model, column, using="default") -> dict[object, str]:
    """The stored texts of a column by primary key, as the database has them."""
    connection = connections[using]
    quote = connection.ops.quote_name
    field = model._meta.get_field(column)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {quote(model._meta.pk.column)}, {quote(field.column)} "
            f"FROM {quote(model._meta.db_table)} WHERE {quote(field.column)} IS NOT NULL"
        )
        return dict(cursor.fetchall())


def prefixes(model, column, using="default") -> set[str]:
    return {text[:12] for text in texts(model, column, using).values()}


def put(model, column, text, *, using="default", **where) -> None:
    """Store a text past all fields, as someone who can write the database would."""
    connection = connections[using]
    quote = connection.ops.quote_name
    where = where or {"id": model.objects.using(using).values_list("pk", flat=True)[0]}
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(model._meta.db_table)} SET {quote(column)} = %s WHERE "
            + " AND ".join(f"{quote(name)} = %s" for name in where),
            [text, *where.values()],
        )


def key_rows() -> dict[str, str]:
    return dict(Setting.vault.values_list("name", "value"))


def phase() -> str:
    state = keys.reload().state
    return state.phase if state else ""


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def manage(command: str, *arguments: str) -> Outcome:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(command, *arguments, stdout=out, stderr=err)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return Outcome(code, out.getvalue(), err.getvalue())


def rotate_keys(*arguments: str) -> Outcome:
    return manage("rotate_keys", "--yes", "--no-progress", *arguments)


@pytest.fixture
def empty_key_table() -> Iterator[None]:
    Setting.vault.all().delete()
    use_keys()
    yield
    use_keys()
    Setting.vault.all().delete()


@pytest.fixture
def site(transactional_db, empty_key_table) -> None:
    """A site that seals under its database key; what it stores is committed."""
    keys.ring()


@pytest.fixture
def operator_site(transactional_db, empty_key_table) -> None:
    """A site that has sealed under an operator key from its beginning."""
    use_keys(OLD)
    assert phase() == "done"


@pytest.fixture
def start(child_environment) -> Iterator[object]:
    """Start a Python module as a process of its own, with the keys given."""
    started: list[subprocess.Popen[str]] = []

    def start_one(*arguments: str, keys: dict[str, str] | None = None, **options):
        environment = {k: v for k, v in child_environment.items() if k not in VARIABLES}
        environment |= {**(key_variables() if keys is None else keys), **options.pop("env", {})}
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment,
            text=True,
            **{**pipes, **options},
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


@pytest.fixture
def run(start):
    """Run a management command as a process of its own, to its end."""

    def run_one(*arguments: str, keys: dict[str, str] | None = None, **options) -> Outcome:
        process = start("django", *arguments, keys=keys, **options)
        out, err = process.communicate(timeout=300)
        return Outcome(process.returncode, out, err)

    return run_one


class Extra:
    """A model that a test adds to the running site, with its table."""

    def __init__(self, **attributes):
        self._attributes = attributes

    def __enter__(self):
        attributes = {"__module__": "tests.testapp.models", **self._attributes}
        attributes.setdefault("Meta", type("Meta", (), {"app_label": "testapp"}))
        self.model = type("Extra", (models.Model,), attributes)
        with connection.schema_editor() as editor:
            editor.create_model(self.model)
        return self.model

    def __exit__(self, *_):
        with connection.schema_editor() as editor:
            editor.delete_model(self.model)


@pytest.fixture
def site_apps():
    """The running registry, put back as it was afterwards."""
    registered = dict(apps.all_models["testapp"])
    yield
    apps.all_models["testapp"].clear()
    apps.all_models["testapp"].update(registered)
    apps.clear_cache()
