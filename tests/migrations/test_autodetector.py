"""`makemigrations` sees renames as renames, and has nothing more to say afterwards."""

from __future__ import annotations

import operator

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.writer import MigrationWriter

from bt_security import fields
from bt_security.fields.context import Context
from bt_security.keys import ring
from bt_security.operations import AddBlindIndex, GuardSealedColumn
from tests.migrations.models_of_garage import KEYS, car, identity, plate, seal_plates


class Yes(MigrationQuestioner):
    def ask_rename(self, *names):
        return True

    def ask_rename_model(self, *names):
        return True


def live(*columns, name: str = "Car") -> ProjectState:
    """The state of models as a host has them in its code: rendered, so that contexts are known."""
    state = ProjectState()
    state.add_model(ModelState("garage", name, [identity(), *columns]))
    return ProjectState.from_apps(state.apps)


def changes(before: ProjectState, after: ProjectState):
    detector = MigrationAutodetector(before, after, Yes())
    found = detector._detect_changes()
    return [operation for each in found.get("garage", []) for operation in each.operations]


def indexed(name: str, **options):
    return [
        (name, fields.EncryptedCharField(max_length=40, lookup="exact", **options)),
        (f"{name}_index", fields.BlindIndexField(source=name, unique=True)),
    ]


def test_a_renamed_field_is_a_rename():
    found = changes(
        live(("a", fields.EncryptedTextField())), live(("b", fields.EncryptedTextField()))
    )
    assert [type(operation) for operation in found] == [migrations.RenameField]


def test_a_renamed_field_with_its_index_is_two_renames():
    found = changes(live(*indexed("a")), live(*indexed("b")))
    kinds = [type(operation) for operation in found]
    assert kinds == [migrations.RenameField, migrations.RenameField]


def test_a_renamed_field_of_an_index_that_keeps_its_name_is_a_rename():
    after = live(
        ("b", fields.EncryptedCharField(max_length=40, lookup="exact")),
        ("a_index", fields.BlindIndexField(source="b", unique=True)),
    )
    kinds = [type(operation) for operation in changes(live(*indexed("a")), after)]
    assert kinds == [migrations.RenameField]


def test_a_renamed_model_is_a_rename():
    found = changes(live(*indexed("a")), live(*indexed("a"), name="Van"))
    assert [type(operation) for operation in found] == [migrations.RenameModel]


def test_a_previous_context_is_one_alteration():
    after = live(*indexed("a", previous_contexts=["garage.car.b"]))
    assert [type(each) for each in changes(live(*indexed("a")), after)] == [migrations.AlterField]


def test_migrations_hold_no_key_and_no_derived_option(db):
    keyring = ring()
    model = live(*indexed("a"), ("b", fields.EncryptedTextField(bind_to=["a"]))).apps
    text = "\n".join(
        MigrationWriter(_migration(operation)).as_string()
        for operation in changes(ProjectState(), ProjectState.from_apps(model))
    )
    assert "context='garage.car.a'" in text
    for absent in ("expression", "output_field", "db_persist", "Context(", "SourceName("):
        assert absent not in text
    for key in keyring.openers.values():
        assert key.key_id not in text


def _migration(operation):
    migration = migrations.Migration("0001_initial", "garage")
    migration.operations = [operation]
    return migration


@pytest.fixture
def history(story):
    """A plain column that became a sealed, indexed, guarded and renamed one."""
    story.add("0001_initial", [car(("plate", models.CharField(max_length=40, null=True)))])
    seal = migrations.RunPython(seal_plates, migrations.RunPython.noop, elidable=True)
    allow = [migrations.AlterField("car", "plate", plate(null=True, allow_plaintext=True))]
    story.add("0002_allow", allow)
    story.add("0003_seal", [seal], needs=KEYS)
    file = story.folder / "0003_seal.py"
    text = file.read_text()
    if "elidable" not in text:  # Django writes it since 6.1
        file.write_text(text.replace("code=tests", "elidable=True, code=tests"))
    story.add("0004_sealed", [migrations.AlterField("car", "plate", plate(null=True))])
    guard = GuardSealedColumn("car", "plate")
    index = AddBlindIndex("car", "plate_index", fields.BlindIndexField(source="plate", unique=True))
    story.add("0005_guard", [guard, index], atomic=False)
    final = fields.EncryptedCharField(
        max_length=40,
        lookup="exact",
        null=True,
        previous_contexts=["garage.car.plate"],
        context="garage.car.sign",
    )
    story.add("0006_rename", [migrations.RenameField("car", "plate", "sign")])
    story.add("0007_context", [migrations.AlterField("car", "sign", final)])
    return story


def squashed_into(story) -> str:
    call_command("squashmigrations", "garage", "0007_context", interactive=False, verbosity=0)
    (name,) = [file.stem for file in story.folder.glob("*squashed*.py")]
    return name


def final_car():
    return live(
        (
            "sign",
            fields.EncryptedCharField(
                max_length=40, lookup="exact", null=True, previous_contexts=["garage.car.plate"]
            ),
        ),
        ("plate_index", fields.BlindIndexField(source="sign", unique=True)),
    )


def test_a_history_can_be_squashed_and_run(history):
    name = squashed_into(history)
    text = (history.folder / f"{name}.py").read_text()
    assert "RunPython" not in text
    for old in history.names:
        (history.folder / f"{old}.py").unlink()
    text = "\n".join(line for line in text.splitlines() if "replaces" not in line)
    history.write(name, text)
    rows = history.model(name, "Car").objects
    created = rows.create(sign="B 1")
    assert rows.get(sign="B 1").pk == created.pk


def test_makemigrations_is_clean_after_the_history_twice(history):
    state = MigrationLoader(connection).project_state([("garage", "0007_context")])
    before = ProjectState()
    before.add_model(state.models["garage", "car"])
    for _ in range(2):
        assert changes(before, final_car()) == []


def test_the_test_site_has_nothing_to_migrate(transactional_db):
    for _ in range(2):
        call_command("makemigrations", check=True, dry_run=True, verbosity=0)
    assert apps.is_installed("tests.testapp")


def test_a_recorded_name_equals_every_other_and_its_own_text_alone():
    assert Context("a") == Context("b")
    assert not operator.ne(Context("a"), Context("b"))
    assert Context("a") != "b"
    assert len({Context("a"), Context("b")}) == 1
