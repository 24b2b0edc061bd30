"""Histories of migrations, written as files by Django and run by its executor."""

from __future__ import annotations

import importlib
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.writer import MigrationWriter


class Story:
    """The migrations of the app `garage`, each a file that Django's writer made."""

    label = "garage"

    def __init__(self, folder: Path) -> None:
        self.package = f"story_{uuid.uuid4().hex}"
        self.folder = folder / self.package
        self.folder.mkdir()
        (self.folder / "__init__.py").touch()
        self.names: list[str] = []

    def add(
        self,
        name: str,
        operations: Sequence[Operation],
        *,
        atomic: bool = True,
        needs: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Write the next migration."""
        migration = Migration(name, self.label)
        migration.operations = list(operations)
        migration.dependencies = [*needs]
        if self.names:
            migration.dependencies.append((self.label, self.names[-1]))
        migration.initial = not self.names
        migration.atomic = atomic
        text = MigrationWriter(migration, include_header=False).as_string()
        if not atomic:
            text = text.replace(
                "    dependencies = [", "    atomic = False\n\n    dependencies = ["
            )
        self.write(name, text)
        self.names.append(name)

    def write(self, name: str, text: str) -> None:
        (self.folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()

    def text(self) -> str:
        """Return all files as one text."""
        return "\n".join(file.read_text() for file in sorted(self.folder.glob("*.py")))

    def to(self, name: str | None):
        """Migrate forwards or backwards and return the models as they are then."""
        target = [(self.label, name)]
        executor = MigrationExecutor(connection)
        executor.migrate(target)
        executor.loader.build_graph()
        if name is None:
            return None
        return executor.loader.project_state(target).apps

    def model(self, name: str, model: str):
        """Migrate and return one model."""
        return self.to(name).get_model(self.label, model)


@pytest.fixture
def story(tmp_path, settings, transactional_db):
    """An app without migrations yet; its tables are gone afterwards."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.migrations.garage"]
    before = set(connection.introspection.table_names())
    made = Story(tmp_path)
    sys.path.insert(0, str(tmp_path))
    settings.MIGRATION_MODULES = {"garage": made.package}
    yield made
    settings.MIGRATION_MODULES = {"garage": None}
    sys.path.remove(str(tmp_path))
    MigrationRecorder(connection).migration_qs.filter(app="garage").delete()
    apps.all_models.pop("garage", None)
    left = set(connection.introspection.table_names()) - before
    with connection.cursor() as cursor:
        for table in left:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}")


def run_sql(sql: str, *params: object):
    """Run raw SQL and return its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return cursor.fetchall() if cursor.description else []


def column(table: str, name: str) -> list[str | None]:
    """Return the stored texts of a column in the order of the primary keys."""
    quote = connection.ops.quote_name
    return [row[0] for row in run_sql(f"SELECT {quote(name)} FROM {quote(table)} ORDER BY id")]
