"""Finding rows by the blind index, and every question that it cannot answer."""

from __future__ import annotations

import unicodedata

import pytest
from django.core.exceptions import FieldError
from django.db import connection
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Lower

from bt_security.fields import Sealed, Unreadable
from bt_security.fields.normalisers import casefold, digits, email, folds_case
from tests.fields.conftest import break_text
from tests.testapp.models import Account, Note, Person, Pet, Slug

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db):
    rows = [("Ann Straße", "030 12-34", "A1"), ("Bob", "+49 (30) 5", "a1"), ("Cy", None, None)]
    return [Person.objects.create(name=n, phone=p, code=c) for n, p, c in rows]


def names(**wanted):
    return sorted(Person.objects.filter(**wanted).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"name": "ANN STRASSE"}, ["Ann Straße"]),
        ({"name__exact": "bob"}, ["Bob"]),
        ({"name__iexact": "BOB"}, ["Bob"]),
        ({"name": "bo"}, []),
        ({"name": ""}, []),
        ({"name__in": ["bob", "cy", "nobody"]}, ["Bob", "Cy"]),
        ({"name__in": (name for name in ["bob", None])}, ["Bob"]),
        ({"name__in": []}, []),
        ({"name__in": [None]}, []),
        ({"phone": "0301234"}, ["Ann Straße"]),
        ({"phone": "+49305"}, ["Bob"]),
        ({"phone": None}, ["Cy"]),
        ({"phone__isnull": False}, ["Ann Straße", "Bob"]),
        ({"code": "A1"}, ["Ann Straße"]),
        ({"code": "a1"}, ["Bob"]),
        ({"code__in": {"A1", "a1"}}, ["Ann Straße", "Bob"]),
        ({"code": "a1", "name": "bob"}, ["Bob"]),
    ],
    ids=str,
)
def test_rows_are_found_by_their_normalised_value(people, wanted, found):
    assert names(**wanted) == found


@pytest.mark.once
@pytest.mark.parametrize(
    ("fold", "one", "other"),
    [
        (casefold, "Straße", "STRASSE"),
        (casefold, "ﬁn", "FIN"),
        (casefold, "e\u0301", "\u00e9"),
        (email, " Ann@Example.COM ", "ann@example.com"),
        (digits, "+49 (030) 12-34", "490301234"),
        (digits, "\u0663\u0664", "34"),
    ],
)
def test_a_normaliser_makes_equal_what_people_call_equal(fold, one, other):
    assert fold(one) == fold(other)


def test_a_callable_normalises_and_says_whether_it_folds_case():
    Slug.objects.create(slug="Some_Name")
    assert Slug.objects.filter(slug="some-name").exists()
    assert Slug.objects.filter(slug__iexact="SOME-name").exists()
    assert not folds_case(str.strip)


def test_exclude_leaves_out_the_row_and_keeps_null(people):
    kept = Person.objects.exclude(phone="0301234").values_list("name", flat=True)
    assert sorted(kept) == ["Bob", "Cy"]
    kept = Person.objects.exclude(code__in=["A1"]).values_list("name", flat=True)
    assert sorted(kept) == ["Bob", "Cy"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Q(name="bob") | Q(code="A1"), 2),
        (~Q(name="bob"), 2),
        (Q(name="bob") & ~Q(phone="1"), 1),
        (Q(name="bob") ^ Q(code="a1"), 0),
    ],
    ids=str,
)
def test_conditions_combine(people, wanted, found):
    assert Person.objects.filter(wanted).count() == found


def test_relations_are_followed(people):
    Pet.objects.create(owner=people[0], label="cat")
    Pet.objects.create(owner=None, label="stray")
    assert Pet.objects.get(owner__phone="030/1234").label == "cat"
    assert Pet.objects.exclude(owner__name="ann strasse").get().label == "stray"
    assert Person.objects.filter(pet__owner__name__in=["ANN STRASSE"]).count() == 1


def test_a_subquery_may_look_up_values(people):
    inner = Person.objects.filter(pk=OuterRef("pk"), name="bob")
    assert Person.objects.filter(Exists(inner)).get().name == "Bob"


def test_an_annotation_of_the_column_is_looked_up(people):
    assert Person.objects.annotate(other=F("name")).filter(other="bob").count() == 1


def test_update_delete_count_and_get_or_create_go_through_the_index(people):
    assert Person.objects.filter(name="BOB").update(team="x") == 1
    assert Person.objects.get_or_create(name="BOB")[1] is False
    assert Person.objects.update_or_create(name="BOB", defaults={"team": "y"})[1] is False
    assert Person.objects.aggregate(n=Count("pk", filter=Q(name="bob")))["n"] == 1
    assert Person.objects.filter(name="BOB").delete()[0] == 1


OTHERS = ["contains", "icontains", "startswith", "gt", "lte", "range", "regex"]


@pytest.mark.parametrize("name", OTHERS)
def test_another_look_up_names_the_way_out(name):
    with pytest.raises(FieldError, match="through a BlindIndexField"):
        Person.objects.filter(**{f"name__{name}": "a"})


@pytest.mark.parametrize("name", ["exact", "in", "iexact"])
def test_a_field_without_index_names_what_is_missing(name):
    with pytest.raises(FieldError, match=r"BlindIndexField\(source='body'\) to testapp\.Note"):
        Note.objects.filter(**{f"body__{name}": "a"})


def test_null_is_found_without_an_index(note):
    empty = Note.objects.create(title="empty", body=None)
    assert Note.objects.get(body=None) == empty
    assert Note.objects.exclude(body=None).get() == note


def test_iexact_needs_an_index_that_folds_case():
    with pytest.raises(FieldError, match='lookup="casefold"'):
        Person.objects.filter(code__iexact="a")


@pytest.mark.parametrize("path", ["name__lower", "name__length", "name__0", "name__lower__exact"])
def test_a_transform_is_refused(path):
    with pytest.raises(FieldError, match="is encrypted"):
        Person.objects.filter(**{path: "a"})


RIGHT_SIDES = {
    "column": lambda: F("team"),
    "value": lambda: Value("bob"),
    "function": lambda: Lower(Value("bob")),
    "queryset": lambda: Person.objects.values("name"),
}


@pytest.mark.parametrize("right", RIGHT_SIDES.values(), ids=RIGHT_SIDES)
@pytest.mark.parametrize("name", ["name", "name__iexact", "name__in"])
def test_an_expression_on_the_right_is_refused(name, right):
    with pytest.raises(FieldError, match=r"not with an expression or a subquery|values only"):
        list(Person.objects.filter(**{name: right()}))


def test_an_expression_among_the_values_is_refused():
    with pytest.raises(FieldError, match="values only"):
        Person.objects.filter(name__in=["bob", F("team")])


@pytest.mark.parametrize("left", [Lower("name"), Coalesce("name", "code"), Max("name")], ids=repr)
def test_an_expression_on_the_left_is_refused(left):
    with pytest.raises(FieldError, match="cannot be looked up"):
        Person.objects.annotate(made=left).filter(made="bob")


def test_a_value_of_the_field_is_no_part_of_a_query(people):
    value = Value("bob", output_field=Person._meta.get_field("name"))
    with pytest.raises(FieldError, match="is encrypted"):
        list(Person.objects.annotate(wanted=value))


def test_a_sealed_value_is_looked_up_by_its_plaintext(people):
    field = Person._meta.get_field("name")
    sealed = Sealed(field.seal("BOB"), opener=lambda text, bound: field.open_text(text))
    assert names(name=sealed) == ["Bob"]


def test_an_unreadable_value_cannot_be_looked_up(people, cell):
    cell(people[1], "name").text = break_text(cell(people[1], "name").text, "flipped")
    placeholder = Person.objects.values_list("name", flat=True).get(pk=people[1].pk)
    assert type(placeholder) is Unreadable
    with pytest.raises(FieldError, match="cannot be looked up"):
        list(Person.objects.filter(name=placeholder))


def test_ordering_works_and_is_no_order_of_plaintext(people):
    assert Person.objects.order_by("name").count() == 3


def test_the_query_does_not_hold_the_plaintext(people):
    with connection.execute_wrapper(_no_plaintext):
        assert names(name__in=["canary-bob"], phone="555") == []


def _no_plaintext(execute, sql, params, many, context):
    assert "canary" not in f"{sql} {params}"
    assert "555" not in [str(each) for each in params]
    return execute(sql, params, many, context)


def test_the_index_is_used_by_the_database(people):
    plan = Account.objects.filter(email="ann@example.com").explain()
    if connection.vendor == "sqlite":
        assert "USING INDEX" in plan
    assert plan


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0f73\u0f71", "\u0f75\u0f81\u0301"])
def test_folding_a_long_run_of_marks_gives_what_normalisation_gives(marks):
    text = "Aß" + marks * 40 + "B" + marks
    slow = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    assert casefold(text) == unicodedata.normalize("NFKC", slow.casefold())


def test_folding_takes_no_longer_per_character_for_more_marks():
    """Insertion would compare every mark with every other: 200,000 of them take minutes."""
    assert len(casefold("a" + "\u0301\u0316" * 100_000)) == 200_000
