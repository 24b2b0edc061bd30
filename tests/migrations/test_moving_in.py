"""From a plain column with rows to a sealed, guarded one, and back."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, migrations, models, transaction

from bt_security import fields
from bt_security.exceptions import PlaintextLeft
from bt_security.fields.guard import guard_name, guards
from bt_security.operations import GuardSealedColumn
from tests.migrations.conftest import column, run_sql
from tests.migrations.models_of_garage import (
    KEYS,
    TABLE,
    car,
    check_notes,
    copy_notes,
    identity,
    open_plates,
    plate,
    seal_plates,
)

GUARD = GuardSealedColumn("car", "plate")


def alter(**options) -> migrations.AlterField:
    return migrations.AlterField("car", "plate", plate(null=True, **options))


def guarded() -> list[str]:
    return [guard.column for guard in guards(connection, TABLE) if guard.is_validated]


def refuses_plaintext() -> bool:
    try:
        with transaction.atomic():
            run_sql("UPDATE garage_car SET plate = %s WHERE id = 1", "plaintext")
            transaction.set_rollback(True)
    except IntegrityError:
        return True
    return False


@pytest.fixture
def moved(story):
    """A plain column with rows, and the migrations that seal it."""
    story.add("0001_initial", [car(("plate", models.CharField(max_length=40, null=True)))])
    story.add("0002_allow", [alter(allow_plaintext=True)])
    seal = migrations.RunPython(seal_plates, open_plates, elidable=True)
    story.add("0003_seal", [seal], needs=KEYS)
    story.add("0004_sealed", [alter()])
    story.add("0005_guard", [GUARD], atomic=False)
    rows = story.model("0001_initial", "Car").objects
    for value in ("B 1", "B 2", None):
        rows.create(plate=value)
    return story


def test_plaintext_and_sealed_text_live_together_meanwhile(moved):
    rows = moved.model("0002_allow", "Car").objects.order_by("id")
    rows.create(plate="B 3")
    assert [row.plate for row in rows] == ["B 1", "B 2", None, "B 3"]
    assert column(TABLE, "plate")[:2] == ["B 1", "B 2"]
    assert column(TABLE, "plate")[3].startswith("e1:")


def test_a_moved_column_holds_sealed_text_and_refuses_plaintext(moved):
    rows = moved.model("0005_guard", "Car").objects.order_by("id")
    assert [row.plate for row in rows] == ["B 1", "B 2", None]
    assert [text and text[:3] for text in column(TABLE, "plate")] == ["e1:", "e1:", None]
    assert refuses_plaintext()
    assert guarded() == ["plate"]


def test_plaintext_that_is_left_is_counted_and_refused(moved):
    moved.to("0002_allow")
    moved.names[2:] = []
    if connection.vendor == "sqlite":  # the AlterField before would refuse it
        moved.add("0006_guard", [GUARD])
        return
    moved.write("0003_seal", (moved.folder / "0003_seal.py").read_text())
    moved.to("0004_sealed")
    run_sql("UPDATE garage_car SET plate = %s WHERE id < 3", "plaintext")
    moved.names[2:] = ["0003_seal", "0004_sealed", "0005_guard"]
    with pytest.raises(PlaintextLeft, match=r"garage.Car.plate has 2 rows") as caught:
        moved.to("0005_guard")
    assert "plaintext'" not in str(caught.value)
    assert guarded() == []


def test_going_back_drops_the_check(moved):
    moved.to("0005_guard")
    moved.to("0002_allow")
    assert guarded() == []
    assert not refuses_plaintext()
    rows = moved.model("0002_allow", "Car").objects.order_by("id")
    assert [row.plate for row in rows] == ["B 1", "B 2", None]


def test_the_guard_may_run_again_and_be_removed(moved):
    moved.add("0006_again", [GUARD])
    moved.add("0007_remove", [GuardSealedColumn("car", "plate", remove=True)])
    moved.add("0008_allow", [alter(allow_plaintext=True)])
    moved.to("0006_again")
    assert guarded() == ["plate"]
    moved.to("0008_allow")
    assert guarded() == []
    run_sql("UPDATE garage_car SET plate = %s WHERE id = 1", "B 9")
    moved.to("0007_remove") if connection.vendor != "sqlite" else None
    run_sql("UPDATE garage_car SET plate = NULL")
    moved.to("0006_again")
    assert guarded() == ["plate"]


def test_a_column_made_with_its_table_is_guarded_and_let_go(story):
    sign = fields.EncryptedTextField(null=True)
    story.add("0001_initial", [car(("sign", sign), ("plate", plate(null=True)))])
    story.add("0002_guard", [GUARD])
    story.add("0003_remove", [GuardSealedColumn("car", "plate", remove=True)] * 2)
    story.add("0004_allow", [alter(allow_plaintext=True)])
    rows = story.model("0001_initial", "Car").objects
    rows.create(plate="B 1")
    if connection.vendor != "sqlite":
        run_sql("ALTER TABLE garage_car ADD CONSTRAINT garage_own CHECK (plate <> 'x')")
    story.to("0002_guard")
    assert sorted(guarded()) == ["plate", "sign"]
    assert refuses_plaintext()
    story.to("0004_allow")
    assert not refuses_plaintext()
    assert rows.get().plate == "B 1"
    story.to(None)


@pytest.mark.parametrize(
    "field", [models.CharField(max_length=9, null=True), plate(null=True, allow_plaintext=True)]
)
def test_a_guard_of_a_column_that_takes_plaintext_is_refused(story, field):
    story.add("0001_initial", [car(("plate", field)), GUARD])
    with pytest.raises(ImproperlyConfigured, match="plate"):
        story.to("0001_initial")


def test_a_column_with_foreign_values_is_left_open(story, settings):
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {
        "garage.Car.plate": ["bt_security.interop.fernet_fields"]
    }
    story.add("0001_initial", [car(("plate", plate(null=True))), GUARD])
    story.to("0001_initial")
    assert guarded() == []
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {}
    story.add("0002_guard", [GUARD])
    story.to("0002_guard")
    assert guarded() == ["plate"]


def test_the_name_of_the_check_is_short_and_stable():
    name = guard_name("a" * 60, "b" * 60)
    assert len(name) <= 30
    assert name == guard_name("a" * 60, "b" * 60) != guard_name("a" * 60, "b" * 59)


@pytest.mark.parametrize("remove", [False, True])
def test_the_operation_says_what_it_does(remove):
    operation = GuardSealedColumn("Car", "plate", remove=remove)
    name, args, options = operation.deconstruct()
    again = GuardSealedColumn(*args, **options)
    assert (name, again.remove, again.name) == ("GuardSealedColumn", remove, "plate")
    assert operation.describe().endswith("plaintext into Car.plate" if remove else "in Car.plate")
    assert operation.migration_name_fragment == ("unguard" if remove else "guard") + "_car_plate"


def test_the_sql_is_printed(story):
    story.add("0001_initial", [car(("plate", plate(null=True)))])
    story.to("0001_initial")
    remove = GuardSealedColumn("car", "plate", remove=True)
    state = story_state(story)
    for operation, word in ((GUARD, "CHECK"), (remove, "CONSTRAINT")):
        with connection.schema_editor(collect_sql=True) as editor:
            operation.database_forwards("garage", editor, state, state)
        if connection.vendor != "sqlite":
            assert word in "\n".join(editor.collected_sql)


def story_state(story):
    from django.db.migrations.loader import MigrationLoader  # noqa: PLC0415

    return MigrationLoader(connection).project_state([("garage", story.names[-1])])


def test_a_database_that_the_router_leaves_out_is_left_alone(story, settings):
    settings.DATABASE_ROUTERS = ["tests.migrations.models_of_garage.NoGarage"]
    story.add("0001_initial", [car(("plate", plate(null=True))), GUARD])
    story.to("0001_initial")
    assert TABLE not in connection.introspection.table_names()


def test_a_data_migration_seals_and_reads_by_historical_models(story):
    note = models.CharField(max_length=20)
    story.add("0001_initial", [car(("note", note), ("owner", models.IntegerField()))])
    rows = story.model("0001_initial", "Car").objects
    rows.bulk_create([rows.model(note=f"n{n}", owner=n) for n in range(5)])
    add = [
        migrations.AddField("car", "secret", fields.EncryptedTextField(null=True)),
        migrations.AddField(
            "car", "bound", fields.EncryptedTextField(null=True, bind_to=["owner", "note"])
        ),
    ]
    story.add("0002_add", add)
    story.add("0003_copy", [migrations.RunPython(copy_notes)], needs=KEYS)
    story.add("0004_check", [migrations.RunPython(check_notes)])
    rows = story.model("0004_check", "Car").objects
    assert [row.bound for row in rows.order_by("id")] == [f"sealed n{n}" for n in range(5)]
    assert rows.filter(bound__isnull=True).count() == 0
    assert all(text.startswith("e1:") for text in column(TABLE, "bound"))


@pytest.mark.parametrize(
    ("plain", "sealed", "value"),
    [
        (models.IntegerField(null=True), fields.EncryptedIntegerField, 7),
        (models.PositiveIntegerField(null=True), fields.EncryptedIntegerField, 7),
        (models.JSONField(null=True), fields.EncryptedJSONField, {"a": 1}),
        (models.BooleanField(null=True), fields.EncryptedBooleanField, True),
        (models.EmailField(null=True, db_index=True), fields.EncryptedEmailField, "a@example.com"),
        (models.TextField(null=True, unique=False), fields.EncryptedTextField, "é"),
    ],
)
def test_other_types_move_in_too(story, plain, sealed, value):
    story.add(
        "0001_initial", [migrations.CreateModel("Car", fields=[identity(), ("plate", plain)])]
    )
    rows = story.model("0001_initial", "Car").objects
    rows.create(plate=value)
    field = sealed(null=True, allow_plaintext=True)
    story.add("0002_allow", [migrations.AlterField("car", "plate", field)])
    rows = story.model("0002_allow", "Car").objects
    assert rows.get().plate == value
    rows.get().save()
    story.add("0003_sealed", [migrations.AlterField("car", "plate", sealed(null=True)), GUARD])
    rows = story.model("0003_sealed", "Car").objects
    assert rows.get().plate == value
    assert guarded() == ["plate"]
