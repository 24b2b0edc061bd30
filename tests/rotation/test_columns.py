"""Every kind of sealed column, in both ways of rotating."""

from __future__ import annotations

import json
import uuid

import pytest
from django.db import connection, models

from bt_security import fields, keys
from bt_security.fields.sealing import ColumnSealer
from tests.interop.vector_files import CASES
from tests.rotation.conftest import (
    NEW,
    OLD,
    Extra,
    key_rows,
    prefix_of,
    prefixes,
    put,
    rotate_keys,
    texts,
    use_keys,
)
from tests.testapp.models import (
    Account,
    BankConnection,
    Everything,
    ExpressParcel,
    Legacy,
    Letter,
    Note,
    OwnFields,
    Person,
    Pet,
    Vault,
)

pytestmark = pytest.mark.usefixtures("operator_site")

WAYS = pytest.mark.parametrize("way", [(), ("--online",)], ids=["default", "online"])
NEW_PREFIX = {prefix_of(NEW)}


def rotated(*way: str):
    use_keys(NEW, OLD)
    outcome = rotate_keys("--json", *way)
    assert outcome.code == 0, outcome.err
    for column in json.loads(outcome.out)["columns"]:
        assert column["total"] == column["migrated"] + column["already"] + column["failed"]
    use_keys(NEW)
    return {each["column"]: each for each in json.loads(outcome.out)["columns"]}


def index_of(model, name):
    return set(texts(model, name).values())


@WAYS
def test_every_class_of_field_comes_back_as_stored(way):
    row = Everything.objects.create(
        text="a", char="b", email="c@d.example", url="https://e.example", json={"f": [1, None]},
        integer=-7, float=0.1, decimal="12.500", boolean=False, date="2026-01-02",
        moment="2026-01-02T03:04:05Z", uuid=uuid.uuid4(), binary=b"\x00\xff", ip="2001:db8::1",
    )  # fmt: skip
    own = OwnFields.objects.create(count=3)
    before = Everything.objects.values().get(pk=row.pk)
    rotated(*way)
    assert Everything.objects.values().get(pk=row.pk) == before
    assert OwnFields.objects.get(pk=own.pk).count == 3
    for name in before.keys() - {"id"}:
        assert prefixes(Everything, name) == NEW_PREFIX


@WAYS
def test_bound_values_open_in_their_row_afterwards(way):
    owner, other = (Account.objects.create(email=f"{name}@x.example") for name in "ab")
    mine = BankConnection.objects.create(owner=owner, access_url="mine")
    vault = Vault.objects.create(secret={"pin": 1}, realm="north")
    rotated(*way)
    assert BankConnection.objects.get(pk=mine.pk).access_url == "mine"
    assert Vault.objects.get(pk=vault.pk).secret == {"pin": 1}
    BankConnection.objects.filter(pk=mine.pk).update(owner=other)
    use_keys(NEW, OLD)
    outcome = rotate_keys("--verify")
    assert outcome.code == 3
    assert f"testapp.BankConnection.access_url (primary key {mine.pk}): Tampered" in outcome.err


@WAYS
def test_a_bound_value_that_was_moved_to_another_row_is_named(way):
    one, other = (Vault.objects.create(secret=n) for n in range(2))
    text = next(t for pk, t in texts(Vault, "secret").items() if uuid.UUID(str(pk)) == one.pk)
    stored_pk = Vault._meta.pk.get_db_prep_value(other.pk, connection)
    put(Vault, "secret", text, id=stored_pk)
    use_keys(NEW, OLD)
    outcome = rotate_keys("--skip-errors", *way)
    assert outcome.code == 3
    assert "testapp.Vault.secret (primary key" in outcome.err
    assert "Tampered" in outcome.err
    assert Vault.objects.get(pk=one.pk).secret == 0


@WAYS
def test_the_index_is_rewritten_in_step_and_found_before_during_and_after(way):
    people = [Person.objects.create(name=f"Ada {n}", phone=f"+1 {n}", code=f"c{n}") for n in (1, 2)]
    before = index_of(Person, "phone_index")

    def found():
        return (
            Person.objects.get(name__iexact="ADA 1").pk,
            Person.objects.get(phone="+1-1").pk,
            Person.objects.filter(code__in=["c1", "c2"]).count(),
            Pet.objects.filter(owner__name="ada 1").count(),
        )

    Pet.objects.create(owner=people[0], label="cat")
    expected = (people[0].pk, people[0].pk, 2, 1)
    assert found() == expected
    use_keys(NEW, OLD)
    assert found() == expected
    people[1].save()
    assert found() == expected
    rotated(*way)
    assert found() == expected
    after = index_of(Person, "phone_index")
    assert len(after) == 2
    assert not after & before


@WAYS
def test_a_log_in_name_is_found_afterwards(way):
    Account.objects.create_user("Ada@X.example", "pw")
    rotated(*way)
    assert Account.objects.get_by_natural_key("ada@x.example").email == "Ada@X.example"


@pytest.fixture
def option(monkeypatch):
    def change(model, name, **options):
        field = model._meta.get_field(name)
        for key, value in options.items():
            monkeypatch.setattr(field, key, value)
        monkeypatch.setattr(field, "column_sealer", None)
        return field

    return change


@WAYS
@pytest.mark.parametrize("chosen", [(NEW, OLD), (OLD,)], ids=["new key", "same key"])
def test_values_of_a_previous_context_are_sealed_for_the_new_one(way, option, chosen):
    old_context = "testapp.oldnote.body"
    sealer = ColumnSealer(keys.ring(), contexts=(old_context,), lookups=())
    moved, current = (Note.objects.create(body=body) for body in ("placeholder", "current"))
    put(Note, "body", sealer.seal(b"moved"), id=moved.pk)
    field = option(Note, "body", previous_contexts=(old_context,))
    use_keys(*chosen)
    report = json.loads(rotate_keys("--json", *way).out)
    (column,) = [each for each in report["columns"] if each["column"] == "testapp.Note.body"]
    migrated = 2 if chosen[0] == NEW else 1
    expected = {"total": 2, "migrated": migrated, "already": 2 - migrated, "failed": 0}
    assert column == {"column": "testapp.Note.body", **expected}
    field.previous_contexts = ()
    keys.forget()
    assert Note.objects.get(pk=moved.pk).body == "moved"
    assert Note.objects.get(pk=current.pk).body == "current"
    again = json.loads(rotate_keys("--json", *way).out)
    assert again["migrated"] == 0


@WAYS
def test_the_index_of_a_previous_lookup_is_made_anew(way, option):
    person = Person.objects.create(code="AbC")
    old_index = index_of(Person, "code_index")
    field = option(Person, "code", lookup="casefold", previous_lookups=("exact",))
    assert json.loads(rotate_keys("--json", *way).out)["migrated"] == 1
    assert not index_of(Person, "code_index") & old_index
    field.previous_lookups = ()
    keys.forget()
    assert Person.objects.get(code="aBc") == person
    assert json.loads(rotate_keys("--json", *way).out)["migrated"] == 0


@WAYS
def test_a_lookup_that_was_taken_away_leaves_no_index(way, option):
    person = Person.objects.create(code="AbC")
    option(Person, "code", lookup=None, previous_contexts=("testapp.nobody.code",))
    assert json.loads(rotate_keys("--json", *way).out)["migrated"] == 1
    assert index_of(Person, "code_index") == set()
    assert Person.objects.get(pk=person.pk).code == "AbC"


@WAYS
def test_plaintext_is_sealed_where_it_is_allowed(way):
    row = Legacy.objects.create(token="placeholder", amount=1)
    sealed = Legacy.objects.create(token="sealed", amount=2)
    put(Legacy, "token", "plain token", id=row.pk)
    put(Legacy, "amount", "42", id=row.pk)
    report = rotated(*way)
    assert report["testapp.Legacy.token"]["migrated"] == 2
    assert prefixes(Legacy, "token") == prefixes(Legacy, "amount") == NEW_PREFIX
    assert Legacy.objects.get(token="plain token", pk=row.pk).amount == 42
    assert Legacy.objects.get(token="sealed").pk == sealed.pk
    assert len(index_of(Legacy, "token_index")) == 2


@WAYS
def test_plaintext_that_is_no_value_of_its_field_is_named(way):
    row = Legacy.objects.create(amount=1)
    put(Legacy, "amount", "no number", id=row.pk)
    outcome = rotate_keys("--skip-errors", *way)
    assert outcome.code == 3
    assert f"testapp.Legacy.amount (primary key {row.pk}): Tampered" in outcome.err
    assert "no number" not in outcome.err + outcome.out
    assert texts(Legacy, "amount")[row.pk] == "no number"


@WAYS
def test_a_sealed_value_that_is_no_value_of_an_indexed_field_is_named(way, option):
    row = Legacy.objects.create(token="abc")
    field = Legacy._meta.get_field("token")
    sealer = ColumnSealer(keys.ring(), contexts=field.contexts, lookups=field.lookups)
    text = sealer.seal_with(b"\xff", indexed="x", bound=(), key=keys.ring().sealing_key)
    put(Legacy, "token", text, id=row.pk)
    outcome = rotate_keys("--skip-errors", *way)
    assert outcome.code == 3
    assert f"testapp.Legacy.token (primary key {row.pk}): Tampered" in outcome.err


@WAYS
@pytest.mark.parametrize("package", ["trek", "django-fernet-encrypted-fields"])
def test_values_of_another_package_are_sealed(way, package, settings):
    case = next(
        each
        for each in CASES
        if each.package == package and isinstance(each.read, str) and isinstance(each.stored, str)
    )
    row, sealed = (Legacy.objects.create(token=token) for token in ("x", "sealed"))
    put(Legacy, "token", case.stored, id=row.pk)
    settings.BT_SECURITY_KEYS_FOREIGN_FORMATS = {
        "testapp.Legacy.token": [f"bt_security.interop.{case.reader}"]
    }
    with case.with_keys():
        rotated(*way)
    assert Legacy.objects.get(pk=row.pk).token == case.read
    assert Legacy.objects.get(pk=sealed.pk).token == "sealed"
    assert prefixes(Legacy, "token") == NEW_PREFIX


@WAYS
def test_parents_and_children_of_inherited_tables_are_rotated(way):
    parcel = ExpressParcel.objects.create(memo="m", door_code="d")
    Letter.objects.create(memo="l")
    rotated(*way)
    found = ExpressParcel.objects.get(pk=parcel.pk)
    assert (found.memo, found.door_code, Letter.objects.get().memo) == ("m", "d", "l")
    assert prefixes(ExpressParcel, "door_code") == NEW_PREFIX


@WAYS
@pytest.mark.feature("TK-13")
def test_a_new_model_is_rotated_without_extra_code(way, site_apps):
    """A new model with an encrypted field is rotated without a list that somebody has to keep."""
    with Extra(secret=fields.EncryptedTextField()) as model:
        row = model.objects.create(secret="x")
        rotated(*way)
        assert prefixes(model, "secret") == NEW_PREFIX
        assert model.objects.get(pk=row.pk).secret == "x"
        assert '"testapp_extra", "secret"' in key_rows()["_sealed_columns"]


@WAYS
def test_an_unmanaged_table_is_rotated_and_a_missing_one_passed_over(way, site_apps):
    meta = type("Meta", (), {"app_label": "testapp", "managed": False, "db_table": "elsewhere"})
    columns = {"id": models.AutoField(primary_key=True), "secret": fields.EncryptedTextField()}
    model = type("Extra", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})
    rotated(*way)
    use_keys(OLD)
    with connection.schema_editor() as editor:
        model._meta.managed = True
        editor.create_model(model)
    try:
        use_keys(NEW)
        model.objects.create(secret="x")
        use_keys(OLD, NEW)
        assert rotate_keys(*way).code == 0
        assert prefixes(model, "secret") == {prefix_of(OLD)}
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(model)


@WAYS
@pytest.mark.parametrize("batch", ["1000", "2"])
def test_a_composite_primary_key_is_walked_in_pages(way, batch, site_apps):
    with Extra(
        pk=models.CompositePrimaryKey("realm", "number"),
        realm=models.CharField(max_length=10),
        number=models.IntegerField(),
        secret=fields.EncryptedTextField(bind_to=("realm", "number")),
    ) as model:
        for realm in "ab":
            for number in range(3):
                model.objects.create(realm=realm, number=number, secret=f"{realm}{number}")
        rotated("--batch-size", batch, *way)
        found = {(row.realm, row.number): row.secret for row in model.objects.all()}
        assert found == {(realm, n): f"{realm}{n}" for realm in "ab" for n in range(3)}
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM testapp_extra")
            assert {text[:12] for (text,) in cursor.fetchall()} == NEW_PREFIX


@WAYS
def test_a_text_primary_key_is_walked_in_pages(way, site_apps):
    with Extra(
        code=models.CharField(max_length=20, primary_key=True), secret=fields.EncryptedTextField()
    ) as model:
        codes = ["a", "B", "c'", 'd"', "é", "%s", "z"]
        for code in codes:
            model.objects.create(code=code, secret=code)
        rotated("--batch-size", "2", *way)
        assert {row.code: row.secret for row in model.objects.all()} == {c: c for c in codes}


@WAYS
def test_columns_with_awkward_names_are_rotated(way, site_apps):
    with Extra(
        prefix=models.CharField(max_length=5, default="p"),
        select=fields.EncryptedTextField(db_column="order by"),
    ) as model:
        model.objects.create(select="x")
        rotated(*way)
        assert model.objects.get().select == "x"


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
@WAYS
def test_the_second_database_is_rotated_too(way):
    Note.objects.create(body="here")
    there = Note.objects.using("other").create(body="there")
    rotated(*way)
    assert prefixes(Note, "body") == prefixes(Note, "body", "other") == NEW_PREFIX
    assert Note.objects.using("other").get(pk=there.pk).body == "there"


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_only_the_named_database_is_rotated():
    Note.objects.create(body="here")
    Note.objects.using("other").create(body="there")
    use_keys(NEW, OLD)
    assert rotate_keys("--database", "other").code == 0
    assert prefixes(Note, "body") == {prefix_of(OLD)}
    assert prefixes(Note, "body", "other") == NEW_PREFIX


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_a_bad_value_in_the_second_database_leaves_that_one_unchanged():
    Note.objects.create(body="here")
    notes = [Note.objects.using("other").create(body=body) for body in ("x", "y")]
    put(Note, "body", "e2:00000000:" + texts(Note, "body", "other")[notes[0].pk][12:],
        using="other", id=notes[0].pk)  # fmt: skip
    before = texts(Note, "body", "other")
    use_keys(NEW, OLD)
    outcome = rotate_keys()
    assert outcome.code == 1
    assert "database 'other' is unchanged; re-sealed before it: default" in outcome.err
    assert f"primary key {notes[0].pk}, database other" in outcome.err
    assert texts(Note, "body", "other") == before
