"""`copy_column` in a data migration, on tables made for the test."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.db.migrations.state import ModelState, ProjectState

from bt_security.exceptions import NotSealed, Tampered, WrongKey
from bt_security.fields import EncryptedDateField, EncryptedJSONField, EncryptedTextField
from bt_security.interop import copy_column
from tests.interop.vector_files import stored_by

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "other"])

CASES = stored_by("fernet_fields", "listed", "TextField")[:3]
READER = "bt_security.interop.fernet_fields"


@pytest.fixture
def shop():
    """Apps of a migration state with `shop.Account`: an old binary column and sealed ones."""
    columns = [
        ("id", models.BigAutoField(primary_key=True)),
        ("owner", models.CharField(max_length=20, default="ada")),
        ("secret_old", models.BinaryField(null=True)),
        ("secret", EncryptedTextField(null=True)),
        ("bound", EncryptedTextField(null=True, bind_to=("owner",))),
        ("day", EncryptedDateField(null=True)),
        ("plain", models.TextField(null=True)),
        ("json_old", models.JSONField(null=True)),
        ("json", EncryptedJSONField(null=True)),
    ]
    state = ProjectState()
    state.add_model(ModelState("shop", "Account", columns))
    account = state.apps.get_model("shop.Account")
    with connection.schema_editor() as editor:
        editor.create_model(account)
    with CASES[0].with_keys():
        yield state.apps
    with connection.schema_editor() as editor:
        editor.delete_model(account)


@pytest.fixture
def account(shop):
    return shop.get_model("shop.Account")


def copy(shop, **changed):
    arguments = {"source": "secret_old", "target": "secret", "reader": READER, **changed}
    with connection.schema_editor() as editor:
        return copy_column(shop, editor, model="shop.Account", **arguments)


def fill(account, count):
    for number in range(count):
        account.objects.create(secret_old=CASES[number % len(CASES)].stored)


def test_values_are_sealed_and_the_old_column_stays(shop, account):
    fill(account, len(CASES))
    account.objects.create(secret_old=None)
    assert copy(shop) == len(CASES)
    rows = account.objects.order_by("pk")
    assert [row.secret for row in rows] == [*(case.read for case in CASES), None]
    assert [bytes(row.secret_old) for row in rows[: len(CASES)]] == [c.stored for c in CASES]


def test_many_rows_go_in_batches_and_a_second_run_writes_nothing(
    shop, account, django_assert_max_num_queries
):
    fill(account, 10)
    with django_assert_max_num_queries(60):
        assert copy(shop, batch_size=4) == 10
    assert copy(shop) == 0
    assert None not in account.objects.values_list("secret", flat=True)


def test_a_value_that_is_there_already_is_kept(shop, account):
    fill(account, 2)
    kept = account.objects.first()
    account.objects.filter(pk=kept.pk).update(secret="newer")
    assert copy(shop) == 1
    assert account.objects.get(pk=kept.pk).secret == "newer"


def test_a_bound_target_is_bound_to_its_row(shop, account):
    fill(account, 1)
    assert copy(shop, target="bound") == 1
    row = account.objects.get()
    assert row.bound == CASES[0].read
    account.objects.update(owner="eve")
    with pytest.raises(Tampered):
        account.objects.get().bound  # noqa: B018


def test_a_row_that_does_not_open_is_named_and_its_batch_undone(shop, account):
    fill(account, 2)
    bad = account.objects.create(secret_old=b"no token")
    with pytest.raises(NotSealed) as refusal:
        copy(shop)
    assert (refusal.value.model, refusal.value.field) == ("shop.Account", "secret_old")
    assert refusal.value.pk == bad.pk
    assert not account.objects.filter(secret__isnull=False).exists()


def test_under_another_key_nothing_is_copied(shop, account, settings):
    fill(account, 1)
    settings.FERNET_KEYS = ["another"]
    with pytest.raises(WrongKey):
        copy(shop)


def test_a_value_of_another_type_than_the_field_is_refused(shop, account):
    fill(account, 1)
    with pytest.raises(Tampered, match="not a value"):
        copy(shop, target="day")


def test_values_that_are_no_text_are_copied_as_they_are(shop, account):
    (case,) = [
        case
        for case in stored_by("django_cryptography", "own", "DateField")
        if case.package == "django-cryptography-5"
    ]
    account.objects.create(secret_old=case.stored)
    with case.with_keys():
        copy(shop, target="day", reader="bt_security.interop.django_cryptography")
    assert account.objects.get().day == case.read


def test_a_text_column_is_copied(shop, account):
    case = stored_by("trek", "old")[2]
    account.objects.create(plain=case.stored)
    with case.with_keys():
        copy(shop, source="plain", reader="bt_security.interop.trek")
    assert account.objects.get().secret == case.read


def test_a_json_column_is_copied(shop, account):
    case = stored_by("fernet_encrypted_fields", "old", "JSONField")[-1]
    account.objects.create(json_old=json.loads(case.stored))
    with case.with_keys():
        copy(
            shop,
            source="json_old",
            target="json",
            reader="bt_security.interop.fernet_encrypted_fields",
        )
    assert account.objects.get().json == case.read


def test_a_target_that_is_not_sealed_is_refused(shop, account):
    fill(account, 1)
    with pytest.raises(ImproperlyConfigured, match=r"shop\.Account\.plain"):
        copy(shop, target="plain")
    assert account.objects.get().plain is None


def test_a_database_that_does_not_hold_the_table_is_left_alone(shop, account, settings):
    fill(account, 1)
    settings.DATABASE_ROUTERS = ["tests.interop.test_column_copy.Elsewhere"]
    assert copy(shop) == 0


class Elsewhere:
    """A router that allows nothing."""

    def allow_migrate(self, *_, **__):
        return False
