"""No plaintext and no key in tracebacks, representations and pickles."""

from __future__ import annotations

import pickle
import sys

import pytest
from django.db import DatabaseError, transaction
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from bt_security import exceptions
from bt_security.exceptions import ApiError, KeyRefused, OpenRefused, WrongKey
from bt_security.fields import Sealed, Unreadable
from bt_security.fields.sealing import ColumnSealer
from bt_security.fields.values import Hidden, LoadedSealed
from bt_security.keys import Keyring, PurposeKey, ring
from tests.fields.conftest import CANARY, KEYS
from tests.testapp.models import Account, BankConnection, Letter, Note, Person, Vault

KINDS = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
BASES = [kind for kind in KINDS if kind.__module__ == exceptions.__name__]


def report_of(failure):
    """Return the technical error page, text and HTML, of what `failure` raises."""
    try:
        with transaction.atomic():
            failure()
    except (DatabaseError, KeyRefused):
        reporter = ExceptionReporter(RequestFactory().get("/"), *sys.exc_info())
        return reporter.get_traceback_text() + reporter.get_traceback_html()
    raise AssertionError("nothing was raised")


class Failing:
    """Rows whose saving fails in the database after every value is ready."""

    def __init__(self, account):
        self.account = account

    def insert(self):
        Letter(memo=CANARY, to=None).save()

    def insert_indexed(self):
        Account(email=f"{CANARY}@example.com", is_staff=None).save()

    def insert_bound(self):
        BankConnection(owner=self.account, label=None, access_url=CANARY).save()

    def insert_json(self):
        Vault(realm=None, secret={CANARY: 1}).save()

    def update(self):
        made = Letter.objects.create(to="x")
        made.memo, made.to = CANARY, None
        made.save()

    def update_fields(self):
        made = Letter.objects.create(to="x")
        made.memo, made.to = CANARY, None
        made.save(update_fields=["memo", "to"])

    def update_bound(self):
        made = BankConnection.objects.create(owner=self.account)
        made.access_url, made.label = CANARY, None
        made.save()

    def bulk_create(self):
        Letter.objects.bulk_create([Letter(memo=CANARY, to=None)])

    def bulk_create_last(self):
        Note.objects.bulk_create([Note(title=None, body=CANARY)])

    def insert_last(self):
        Note(title=None, body=CANARY).save()

    def unique(self):
        Person.objects.create(name="x", phone="0001")
        Person(name=CANARY, phone="0001").save()


FAILURES = [name for name in vars(Failing) if not name.startswith("_")]


@pytest.fixture
def hide_host_frames(monkeypatch):
    """Leave the frames of this file out: a host's own variables are its own affair."""
    original = ExceptionReporter.get_traceback_frames

    def frames(self):
        return [each for each in original(self) if each["filename"] != __file__]

    monkeypatch.setattr(ExceptionReporter, "get_traceback_frames", frames)


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.django_db
def test_an_error_of_the_database_shows_no_plaintext(account, hide_host_frames, name):
    shown = report_of(getattr(Failing(account), name))
    assert CANARY not in shown
    assert "django/db" in shown


@pytest.mark.parametrize("name", [name for name in FAILURES if name.startswith(("insert", "bulk"))])
@pytest.mark.django_db
def test_a_refusal_to_seal_shows_no_plaintext(key, account, hide_host_frames, name):
    key.use(None, "first")
    for field in (Letter._meta.get_field("memo"), Note._meta.get_field("body")):
        field.column_sealer = None  # as in a process that has sealed nothing yet
    shown = report_of(getattr(Failing(account), name))
    assert CANARY not in shown
    assert "KeyRefused" in shown


@pytest.mark.parametrize("path", ["save", "update_fields"])
@pytest.mark.django_db
def test_a_refusal_to_seal_an_update_shows_no_plaintext(key, hide_host_frames, path):
    made = Letter.objects.create(to="x")
    key.use(None, "first")
    made.memo = CANARY
    fields = None if path == "save" else ["memo"]
    assert CANARY not in report_of(lambda: made.save(update_fields=fields))


@pytest.mark.django_db
def test_nothing_is_written_without_a_key_that_seals(key, django_assert_num_queries):
    key.use(None, "first")
    made = Note(title="t", body=CANARY)
    with django_assert_num_queries(0), pytest.raises(KeyRefused):
        made.save()


@pytest.mark.django_db
def test_an_update_of_a_queryset_is_refused_without_a_key_that_seals(key, note):
    key.use(None, "first")
    with pytest.raises(KeyRefused), transaction.atomic():
        Note.objects.update(body="x")
    assert Note.objects.get().body == CANARY


@pytest.mark.django_db
def test_null_and_sealed_values_need_no_key_that_seals(key, note, cell):
    sealed = Sealed(cell(note, "body").text)
    key.use(None, "first")
    note.body = sealed
    note.save()
    assert Note.objects.get().body == CANARY


SECRETS = [CANARY, "first key of the field tests"]


@pytest.mark.once
@pytest.mark.parametrize(
    "thing",
    [
        lambda sealed: Sealed(sealed),
        lambda sealed: LoadedSealed.trusted(sealed),
        lambda sealed: Unreadable(sealed, WrongKey(key_id="00000000")),
        lambda sealed: Hidden(CANARY),
        lambda sealed: ring(),
        lambda sealed: KEYS["first"],
        lambda sealed: PurposeKey("api", 1, CANARY.encode()),
        lambda sealed: WrongKey(model="a.B", field="c", pk=1, key_id="00000000"),
        lambda sealed: KeyRefused("why"),
    ],
)
def test_a_representation_shows_no_secret(thing):
    sealed = Note._meta.get_field("body").seal(CANARY)
    made = thing(sealed)
    shown = f"{made} {made!r}"
    assert not [secret for secret in SECRETS if secret in shown]
    assert sealed[12:] not in shown


@pytest.mark.once
@pytest.mark.parametrize(
    "kind",
    [kind for kind in BASES if issubclass(kind, OpenRefused)],
    ids=lambda kind: kind.__name__,
)
def test_a_refusal_survives_pickling_with_its_place(kind):
    error = kind(model="a.B", field="c", pk=7, key_id="0badcafe", detail="why")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.__dict__) == (str(error), error.__dict__)
    assert str(again).startswith("a.B.c (primary key 7): ")


@pytest.mark.once
@pytest.mark.parametrize(
    "kind", [kind for kind in BASES if not issubclass(kind, OpenRefused)], ids=lambda k: k.__name__
)
def test_another_error_survives_pickling(kind):
    made = kind(400, "CODE", "why", fields={"a": ["b"]}) if kind is ApiError else kind("why")
    again = pickle.loads(pickle.dumps(made))
    assert (again.args, again.__dict__) == (made.args, made.__dict__)


@pytest.mark.once
def test_a_refusal_without_a_place_says_what_it_knows():
    assert str(WrongKey()) == "sealed value: sealed with a key that is not configured"


@pytest.mark.once
@pytest.mark.parametrize("kind", [Sealed, LoadedSealed])
def test_a_sealed_value_survives_pickling_without_its_plaintext(kind):
    made = kind.trusted(Note._meta.get_field("body").seal(CANARY))
    if kind is LoadedSealed:
        made.opened, made.is_open = CANARY, True
    content = pickle.dumps(made)
    assert CANARY.encode() not in content
    assert pickle.loads(content) == made


@pytest.mark.once
def test_a_placeholder_survives_pickling():
    made = Unreadable("e2:…", WrongKey(key_id="00000000"))
    again = pickle.loads(pickle.dumps(made))
    assert (again.text, str(again.error)) == (made.text, str(made.error))


def test_a_sealer_without_key_refuses_before_it_has_an_answer():
    sealer = ColumnSealer(Keyring(openers={}), contexts=["a.b.c"], lookups=())
    with pytest.raises(KeyRefused):
        sealer.seal(b"content")
