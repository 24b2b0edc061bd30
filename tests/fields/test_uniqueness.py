"""A value is taken once: in the database, in validation, and across two live keys."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import UniqueConstraint
from django.db.models.functions import Lower
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from bt_security import fields
from bt_security.fields import Sealed
from bt_security.fields.sealing import ColumnSealer
from bt_security.fields.validation import guard_validation
from bt_security.keys import ring
from tests.testapp.models import Account, Person, Slug

pytestmark = pytest.mark.django_db

PersonForm = modelform_factory(Person, fields=["name", "phone", "code", "team"])
AccountForm = modelform_factory(Account, fields=["email"])


@pytest.fixture
def person(db):
    return Person.objects.create(name="Ann", phone="030 1", code="C1", team="red")


@pytest.fixture(params=["one key", "two keys"])
def rotated(request, key, person, account):
    """The rows are under the key that seals, or under the one before."""
    if request.param == "two keys":
        key.use("second", "first")


def errors_of(instance, **options):
    with pytest.raises(ValidationError) as refusal:
        instance.full_clean(**options)
    return refusal.value.message_dict


@pytest.mark.parametrize("email", ["ann@example.com", " ANN@Example.com"])
def test_a_taken_value_is_reported_once_on_the_field(rotated, email):
    made = Account(email=email.strip(), password="x")
    assert errors_of(made) == {"email": ["Account with this Email already exists."]}


def test_a_taken_value_of_an_index_alone_is_reported_on_the_field(rotated):
    found = errors_of(Person(name="Bob", phone="0301"))
    assert found == {"phone": ["Person with this Phone already exists."]}


def test_validate_unique_alone_finds_it_too(rotated):
    with pytest.raises(ValidationError) as refusal:
        Person(name="Bob", phone="0301").validate_unique()
    assert set(refusal.value.message_dict) == {"phone"}


@pytest.mark.parametrize("name", ["phone", "phone_index"])
def test_what_is_left_out_of_validation_is_not_looked_at(person, name):
    made = Person(name="Bob", phone="0301")
    if name == "phone":
        made.full_clean(exclude=[name])
    else:
        assert set(errors_of(made, exclude=[name])) == {"phone"}


def test_a_constraint_over_the_index_is_validated(rotated):
    found = errors_of(Person(name="Bob", code="C1", team="red"))
    assert found == {"__all__": ["Person with this Team and Code index already exists."]}


@pytest.mark.parametrize(("code", "team"), [("C2", "red"), ("C1", "blue"), (None, "red")])
def test_another_combination_is_free(rotated, code, team):
    Person(name="Bob", code=code, team=team).full_clean()


def test_a_constraint_without_its_field_is_not_validated(person):
    Person(name="Bob", code="C1", team="red").full_clean(exclude=["code"])


def test_the_row_itself_is_no_duplicate(rotated):
    Person.objects.get().full_clean()
    Account.objects.get().full_clean(exclude=["password"])


@pytest.mark.parametrize(
    ("form", "data", "fields"),
    [
        (AccountForm, {"email": "ANN@example.com"}, ["email"]),
        (PersonForm, {"name": "Bob", "phone": "0301"}, ["phone"]),
        (PersonForm, {"name": "Bob", "code": "C1", "team": "red"}, ["__all__"]),
        (PersonForm, {"name": "Bob", "code": "C1", "team": "blue"}, []),
    ],
)
def test_a_form_reports_a_taken_value(rotated, form, data, fields):
    assert list(form(data).errors) == fields


def test_a_form_reports_each_taken_value(rotated):
    data = {"name": "Bob", "phone": "0301", "code": "C1", "team": "red"}
    assert set(PersonForm(data).errors) == {"phone", "__all__"}


def test_the_database_refuses_a_taken_value(account, person):
    with pytest.raises(IntegrityError), transaction.atomic():
        Account.objects.create(email="ANN@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create(name="Bob", phone="0301")
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create(name="Bob", code="C1", team="red")


def test_null_is_taken_by_nobody():
    for _ in range(2):
        made = Person(name="Ann", phone=None)
        made.full_clean()
        made.save()
    assert Person.objects.filter(phone=None).count() == 2


def test_the_empty_text_is_a_value_like_any_other():
    Slug.objects.create(slug="")
    with pytest.raises(IntegrityError), transaction.atomic():
        Slug.objects.create(slug="")


def test_a_sealed_value_is_left_to_the_database(person, cell):
    sealed = Sealed(cell(person, "phone").text)
    made = Person(name="Bob", phone=sealed)
    made.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        made.save()


def test_a_sealed_value_in_a_constraint_is_compared_by_its_index(person, cell):
    made = Person(name="Bob", code=Sealed(cell(person, "code").text), team="red")
    assert set(errors_of(made)) == {"__all__"}


@pytest.mark.parametrize("wanted", ["C1", "C2", None])
def test_other_forms_of_constraints_are_validated(person, wanted):
    in_team = models.Q(team="red")
    constraints = [
        UniqueConstraint(Lower("team"), "code_index", name="by_expression"),
        UniqueConstraint(fields=["code_index"], condition=in_team, name="by_condition"),
        UniqueConstraint(fields=["code_index"], name="alone"),
        UniqueConstraint(fields=["code_index"], nulls_distinct=False, name="nulls"),
    ]
    made = Person(name="Bob", code=wanted, team="red")
    for constraint in constraints:
        if wanted == "C1":
            with pytest.raises(ValidationError):
                constraint.validate(Person, made)
        else:
            constraint.validate(Person, made)


@isolate_apps("tests.testapp")
def test_an_abstract_model_is_guarded_where_it_is_inherited():
    class Base(models.Model):
        code = fields.EncryptedCharField(max_length=9, lookup="exact")
        code_index = fields.BlindIndexField(source="code", unique=True)

        class Meta:
            app_label = "testapp"
            abstract = True

    class Heir(Base):
        class Meta:
            app_label = "testapp"

    assert not hasattr(Base.validate_unique, "_bt_security_guarded")
    assert Heir.validate_unique._bt_security_guarded


def test_two_indexes_of_one_model_guard_it_once():
    before = Person.validate_unique
    guard_validation(Person)
    assert Person.validate_unique is before


def test_a_value_is_found_under_both_keys(key, person):
    key.use("second", "first")
    other = Person.objects.create(name="ANN", phone="2")
    assert set(Person.objects.filter(name="ann")) == {person, other}
    assert set(Person.objects.filter(name__in=["ann"])) == {person, other}


def test_a_value_is_not_found_without_its_key(key, person):
    key.use("second")
    assert not Person.objects.filter(name="ann").exists()


def test_the_database_key_and_the_operator_key_may_both_be_live(key, person):
    key.use("database", "first")
    Person.objects.create(name="ANN", phone="2")
    assert Person.objects.filter(name="ann").count() == 2


def test_one_key_gives_one_value_to_look_for(key):
    query = Person.objects.filter(name="ann").query
    one = len(query.sql_with_params()[1])
    key.use("second", "first")
    assert len(query.sql_with_params()[1]) == one + 1


@pytest.fixture
def renamed(monkeypatch):
    """The column as it is after a rename, with rows from before."""

    def rename(**options):
        field = Person._meta.get_field("name")
        for name, value in options.items():
            monkeypatch.setattr(field, name, value)
        field.column_sealer = None

    yield rename
    monkeypatch.undo()
    Person._meta.get_field("name").column_sealer = None


@pytest.mark.parametrize(
    "old", [{"lookup": "exact"}, {"context": "testapp.human.name"}], ids=["lookup", "context"]
)
def test_rows_under_a_former_lookup_or_context_are_found(renamed, cell, person, old):
    sealer_of_before = _sealer(old)
    cell(person, "name").text = sealer_of_before("Ann")
    former = "previous_lookups" if "lookup" in old else "previous_contexts"
    renamed(**{former: tuple(old.values())})
    assert Person.objects.get(name="Ann").name == "Ann"


def _sealer(old):
    field = Person._meta.get_field("name")
    sealer = ColumnSealer(
        ring(),
        contexts=(old.get("context", field.context),),
        lookups=(old.get("lookup", field.lookup),),
    )
    key = ring().sealing_key
    return lambda value: sealer.seal_with(value.encode(), indexed=value, bound=(), key=key)


def test_a_former_context_that_is_not_named_does_not_open(cell, person):
    cell(person, "name").text = _sealer({"context": "testapp.human.name"})("Ann")
    assert type(Person.objects.get().__dict__["name"]) is fields.Unreadable
