"""A blind index comes to a table with rows, while another connection writes."""

from __future__ import annotations

import threading
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    IntegrityError,
    NotSupportedError,
    connection,
    migrations,
    models,
    transaction,
)
from django.db.migrations.recorder import MigrationRecorder

from bt_security import fields
from bt_security.operations import AddBlindIndex
from tests.migrations.conftest import column, run_sql
from tests.migrations.models_of_garage import TABLE, car, plate

ROWS = 1500


def index(**options) -> AddBlindIndex:
    field = fields.BlindIndexField(source="plate", **options)
    return AddBlindIndex("car", "plate_index", field, pages_per_batch=5)


def expected() -> list[str | None]:
    return [text and text[12:36] for text in column(TABLE, "plate")]


def fill(rows, count: int) -> None:
    rows.bulk_create([rows.model(plate=f"B {number}") for number in range(count)])
    rows.bulk_create([rows.model(plate=None) for _ in range(3)])


@pytest.fixture
def garage(story):
    story.add("0001_initial", [car(("plate", plate(null=True)))])
    fill(story.model("0001_initial", "Car").objects, ROWS)
    return story


def test_rows_have_their_index_and_writes_keep_it(garage):
    garage.add("0002_index", [index(unique=True)], atomic=False)
    rows = garage.model("0002_index", "Car").objects
    assert column(TABLE, "plate_index") == expected()
    row = rows.get(plate="B 7")
    row.plate = "B 7000"
    row.save()
    run_sql("INSERT INTO garage_car (plate) SELECT NULL FROM garage_car WHERE id < 3")
    rows.filter(plate="B 8").update(plate="B 8000")
    rows.bulk_create([rows.model(plate="B 9000"), rows.model(plate=None)])
    assert column(TABLE, "plate_index") == expected()
    assert rows.filter(plate__in=["B 7000", "B 8000", "B 9000"]).count() == 3
    assert not rows.filter(plate__in=["B 7", "B 8"]).exists()


@pytest.mark.parametrize("db_index", [True, False])
def test_raw_sql_cannot_put_the_index_out_of_step(garage, db_index):
    garage.add("0002_index", [index(db_index=db_index)], atomic=False)
    garage.to("0002_index")
    put_wrong = "UPDATE garage_car SET plate_index = 'zzzzzzzzzzzzzzzzzzzzzzzz'"
    if connection.vendor == "postgresql":
        run_sql(put_wrong)
    else:
        with pytest.raises(DatabaseError), transaction.atomic():
            run_sql(put_wrong)
    assert column(TABLE, "plate_index") == expected()


def test_equal_values_are_refused_once_it_is_unique(garage):
    garage.add("0002_index", [index(unique=True)], atomic=False)
    rows = garage.model("0002_index", "Car").objects
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.create(plate="B 1")
    assert rows.filter(plate=None).count() == 3


def test_equal_values_in_the_table_stop_it_and_it_may_run_again(garage):
    rows = garage.model("0001_initial", "Car").objects
    twin = rows.create(plate="B 1")
    garage.add("0002_index", [index(unique=True)], atomic=connection.vendor == "sqlite")
    with pytest.raises(IntegrityError):
        garage.to("0002_index")
    twin.delete()
    if connection.vendor == "mysql":  # the column is there, and MySQL has no transactions here
        run_sql("ALTER TABLE garage_car DROP COLUMN plate_index")
    assert garage.model("0002_index", "Car").objects.filter(plate="B 1").count() == 1


def test_it_goes_and_comes_again(garage):
    garage.add("0002_index", [index(unique=True)], atomic=False)
    for _ in range(2):
        garage.to("0002_index")
        assert garage.model("0001_initial", "Car").objects.count() == ROWS + 3
        with connection.cursor() as cursor:
            names = connection.introspection.get_table_description(cursor, TABLE)
        assert "plate_index" not in [each.name for each in names]
    garage.model("0001_initial", "Car").objects.create(plate="B 1")


def test_field_and_index_are_renamed_afterwards(garage):
    garage.add("0002_index", [index(unique=True)], atomic=False)
    garage.add(
        "0003_rename",
        [
            migrations.RenameField("car", "plate", "sign"),
            migrations.RenameField("car", "plate_index", "sign_index"),
            migrations.AddField("car", "seats", models.IntegerField(default=4)),
        ],
    )
    rows = garage.model("0003_rename", "Car").objects
    created = rows.create(sign="new")
    assert rows.get(sign="new").pk == created.pk
    texts, found = column(TABLE, "sign"), column(TABLE, "sign_index")
    assert found == [text and text[12:36] for text in texts]


def test_the_source_is_removed_with_its_index(garage):
    garage.add("0002_index", [index(unique=True)], atomic=False)
    garage.add(
        "0003_remove",
        [
            migrations.AddField("car", "seats", models.IntegerField(default=4)),
            migrations.RemoveField("car", "plate_index"),
            migrations.RemoveField("car", "plate"),
        ],
    )
    rows = garage.model("0003_remove", "Car").objects
    rows.create(seats=5)
    rows.update(seats=6)


def test_its_uniqueness_can_be_altered(garage):
    garage.add("0002_index", [index(unique=True)], atomic=False)
    alter = [
        migrations.AlterField(
            "car", "plate_index", fields.BlindIndexField(source="plate", db_index=True)
        )
    ]
    garage.add("0003_alter", alter)
    rows = garage.model("0003_alter", "Car").objects
    rows.create(plate="B 1")
    assert rows.filter(plate="B 1").count() == 2


def test_a_table_without_rows_gets_the_generated_column(story):
    story.add("0001_initial", [car(("plate", plate(null=True)))])
    story.add("0002_index", [index(unique=True)], atomic=False)
    rows = story.model("0002_index", "Car").objects
    rows.create(plate="B 1")
    assert column(TABLE, "plate_index") == expected()
    if connection.vendor == "postgresql":
        assert run_sql("SELECT 1 FROM pg_trigger WHERE tgrelid = 'garage_car'::regclass") == []


def test_a_plain_add_field_works_on_rows_too(garage):
    field = fields.BlindIndexField(source="plate", db_index=True)
    garage.add("0002_index", [migrations.AddField("car", "plate_index", field)])
    rows = garage.model("0002_index", "Car").objects
    rows.create(plate="B 9000")
    assert column(TABLE, "plate_index") == expected()


def test_a_transaction_is_refused_on_postgresql(garage):
    garage.add("0002_index", [index(unique=True)])
    if connection.vendor == "postgresql":
        with pytest.raises(NotSupportedError, match="atomic = False"):
            garage.to("0002_index")
    else:
        garage.to("0002_index")


def test_a_database_that_the_router_leaves_out_is_left_alone(story, settings):
    settings.DATABASE_ROUTERS = ["tests.migrations.models_of_garage.NoGarage"]
    story.add("0001_initial", [car(("plate", plate(null=True))), index()], atomic=False)
    story.to("0001_initial")
    assert TABLE not in connection.introspection.table_names()


def test_the_operation_is_written_and_read():
    _, _, options = index(unique=True).deconstruct()
    assert options["pages_per_batch"] == 5
    operation = AddBlindIndex("car", "plate_index", fields.BlindIndexField(source="plate"))
    name, args, options = operation.deconstruct()
    assert (name, args, sorted(options)) == (
        "AddBlindIndex",
        [],
        ["field", "model_name", "name"],
    )
    assert operation.describe() == "Add blind index plate_index to car, table in use"


def test_another_field_is_refused():
    with pytest.raises(ImproperlyConfigured):
        AddBlindIndex("car", "name", models.CharField(max_length=3))


@pytest.mark.postgres
@pytest.mark.parametrize(
    "stopped_at", ["after everything", "after the index", "in the index", "before the index"]
)
def test_a_migration_that_was_stopped_is_run_again(garage, stopped_at):
    garage.add("0002_index", [index(unique=True)], atomic=False)
    garage.to("0002_index")
    ((name,),) = run_sql("SELECT conname FROM pg_constraint WHERE conname LIKE '%%plate%%uniq'")
    if stopped_at != "after everything":
        run_sql(f"ALTER TABLE garage_car DROP CONSTRAINT {name}")
    if stopped_at != "before the index":
        run_sql(f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON garage_car (plate_index)")
    if stopped_at == "in the index":
        run_sql(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass")
    MigrationRecorder(connection).record_unapplied("garage", "0002_index")
    rows = garage.model("0002_index", "Car").objects
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.create(plate="B 1")
    assert column(TABLE, "plate_index") == expected()


class Writer(threading.Thread):
    """Changes rows by raw SQL on a connection of its own, and notes how long it had to wait."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__()
        self.texts = texts
        self.stopped = threading.Event()
        self.writes = 0
        self.longest_wait_seconds = 0.0
        self.errors: list[Exception] = []

    def run(self) -> None:
        own = connection.copy()
        try:
            while not self.stopped.is_set():
                number = self.writes % (len(self.texts) - 1)
                begin = time.monotonic()
                with own.cursor() as cursor:
                    text = self.texts[(self.writes * 7) % len(self.texts)]
                    cursor.execute(
                        "UPDATE garage_car SET plate = %s WHERE id = %s", [text, number + 1]
                    )
                    cursor.execute("INSERT INTO garage_car (plate) VALUES (%s)", [text])
                self.longest_wait_seconds = max(self.longest_wait_seconds, time.monotonic() - begin)
                self.writes += 1
        except Exception as error:  # noqa: BLE001 - handed to the test
            self.errors.append(error)
        finally:
            own.close()


@pytest.mark.postgres
@pytest.mark.mysql
def test_a_writer_goes_on_and_its_rows_are_indexed(garage):
    garage.add("0002_index", [index(db_index=True)], atomic=False)
    writer = Writer(column(TABLE, "plate")[:200])
    writer.start()
    try:
        garage.to("0002_index")
        time.sleep(0.2)
    finally:
        writer.stopped.set()
        writer.join()
    assert writer.errors == []
    assert writer.writes > 10
    assert column(TABLE, "plate_index") == expected()
