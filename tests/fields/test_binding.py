"""`bind_to`: a value opens in its own row only, and follows a change of its columns."""

from __future__ import annotations

import copy
import pickle
import uuid

import pytest
from django.core.exceptions import FieldError
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Lower

from bt_security.exceptions import BindingChanged, Tampered
from bt_security.fields import Sealed
from bt_security.fields.binding import canonical
from bt_security.fields.values import LoadedSealed
from tests.fields.conftest import CANARY, break_text
from tests.testapp.models import Account, BankConnection, Vault

pytestmark = pytest.mark.django_db


def stored(bank):
    return BankConnection.objects.get(pk=bank.pk)


@pytest.fixture
def vault(db):
    return Vault.objects.get(pk=Vault.objects.create(secret={"pin": [1, 2]}).pk)


def test_a_text_pasted_into_another_row_does_not_open(bank, other_account, cell):
    other = BankConnection.objects.create(owner=other_account, access_url="other")
    cell(other, "access_url").text = cell(bank, "access_url").text
    with pytest.raises(Tampered, match=rf"access_url \(primary key {other.pk}\)"):
        _ = stored(other).access_url
    assert stored(bank).access_url == CANARY


@pytest.mark.parametrize("column", ["id", "realm"])
def test_each_bound_column_counts(vault, cell, column):
    other = Vault.objects.create(realm="main", secret=1)
    if column == "realm":
        Vault.objects.filter(pk=vault.pk).update(realm="other")
        other = vault
    else:
        cell(other, "secret").text = cell(vault, "secret").text
    with pytest.raises(Tampered):
        _ = Vault.objects.get(pk=other.pk).secret


@pytest.mark.parametrize(
    "write",
    [
        lambda owner: BankConnection.objects.create(owner=owner, access_url=CANARY),
        lambda owner: BankConnection.objects.bulk_create(
            [BankConnection(owner=owner, access_url=CANARY)]
        ),
        lambda owner: BankConnection.objects.get_or_create(
            owner=owner, defaults={"access_url": CANARY}
        ),
        lambda owner: BankConnection.objects.update_or_create(
            owner=owner, defaults={"access_url": CANARY}
        ),
        lambda owner: owner.bankconnection_set.create(access_url=CANARY),
    ],
)
def test_every_way_of_creating_a_row_binds_its_value(account, write):
    write(account)
    assert BankConnection.objects.get().access_url == CANARY


@pytest.mark.parametrize("given", [str, int, lambda pk: pk], ids=["str", "int", "as it is"])
def test_the_type_of_an_assigned_key_makes_no_difference(account, given):
    made = BankConnection.objects.create(owner_id=given(account.pk), access_url=CANARY)
    assert stored(made).access_url == CANARY


def test_the_type_of_an_assigned_uuid_makes_no_difference():
    pk = uuid.uuid4()
    Vault.objects.create(id=str(pk), secret=1)
    assert Vault.objects.get(pk=pk).secret == 1


def test_equal_keys_of_another_type_are_no_change(bank, django_assert_num_queries):
    bank.owner_id = str(bank.owner_id)
    with django_assert_num_queries(1):
        bank.save()
    assert stored(bank).access_url == CANARY


@pytest.mark.parametrize("fields", [None, ["owner"], ["owner_id"], ["owner", "access_url"]])
def test_a_save_after_a_change_seals_anew(bank, other_account, fields):
    bank.owner = other_account
    bank.save(update_fields=fields)
    assert (stored(bank).owner, stored(bank).access_url) == (other_account, CANARY)


def test_a_value_that_was_read_before_the_change_is_sealed_anew(bank, other_account):
    assert bank.access_url == CANARY
    bank.owner = other_account
    bank.save()
    assert stored(bank).access_url == CANARY


@pytest.mark.parametrize("fields", [None, ["owner"], ["owner", "access_url"]])
def test_a_new_value_is_sealed_for_the_new_column(bank, other_account, fields):
    bank.owner, bank.access_url = other_account, "new"
    bank.save(update_fields=fields)
    assert stored(bank).access_url == "new"


def test_a_change_that_is_not_saved_leaves_the_value_alone(bank, other_account, cell):
    before = cell(bank, "access_url").text
    bank.owner = other_account
    bank.save(update_fields=["label"])
    assert cell(bank, "access_url").text == before
    assert bank.access_url == stored(bank).access_url == CANARY


def test_a_change_saved_after_another_column_seals_anew(bank, other_account):
    bank.owner = other_account
    bank.save(update_fields=["label"])
    bank.save()
    assert stored(bank).access_url == CANARY


def test_a_new_value_without_the_changed_column_is_refused(
    bank, other_account, django_assert_num_queries
):
    bank.owner, bank.access_url = other_account, "new"
    with django_assert_num_queries(0), pytest.raises(BindingChanged, match="not in update_fields"):
        bank.save(update_fields=["access_url"])
    assert stored(bank).access_url == CANARY


def test_an_unreadable_value_refuses_the_change_before_it_is_written(bank, other_account, cell):
    text = break_text(cell(bank, "access_url").text, "flipped")
    cell(bank, "access_url").text = text
    found = stored(bank)
    found.owner = other_account
    with pytest.raises(BindingChanged, match=r"does not open \(Tampered\).*Nothing was saved"):
        found.save()
    assert stored(bank).owner != other_account
    assert cell(bank, "access_url").text == text


def test_an_unreadable_value_is_kept_when_another_column_is_saved(bank, cell):
    text = break_text(cell(bank, "access_url").text, "flipped")
    cell(bank, "access_url").text = text
    found = stored(bank)
    found.label = "changed"
    found.save()
    assert (cell(bank, "access_url").text, stored(bank).label) == (text, "changed")


@pytest.mark.parametrize("deferred", ["owner", "access_url"])
def test_a_deferred_column_is_fetched_to_open_the_value(bank, deferred):
    assert BankConnection.objects.defer(deferred).get().access_url == CANARY


def test_a_deferred_value_is_sealed_anew(bank, other_account):
    found = BankConnection.objects.defer("access_url").get()
    found.owner = other_account
    found.save()
    assert stored(bank).access_url == CANARY


def test_a_deferred_bound_column_that_is_assigned_seals_anew(bank, other_account):
    found = BankConnection.objects.defer("owner").get()
    found.owner = other_account
    found.save()
    assert stored(bank).access_url == CANARY


@pytest.mark.parametrize("loaded", [CANARY, None])
def test_a_stale_instance_keeps_what_another_process_stored(bank, other_account, loaded):
    BankConnection.objects.filter(pk=bank.pk).get()
    fresh, stale = stored(bank), stored(bank)
    if loaded is None:
        stale.access_url = None
        stale.save()
        stale = stored(bank)
    fresh.access_url = "newer"
    fresh.save()
    stale.owner = other_account
    stale.save(update_fields=["owner"])
    assert stored(bank).access_url == "newer"


def test_a_stale_instance_of_a_row_bound_anew_writes_its_own_value(bank, other_account):
    stale, fresh = stored(bank), stored(bank)
    fresh.owner = other_account
    fresh.save()
    stale.save()
    assert stored(bank).access_url == CANARY


def copies():
    def by_key(row):
        row.pk = None

    def by_key_and_state(row):
        row.pk = None
        row._state.adding = True

    def by_new_key(row):
        row.pk = uuid.uuid4() if isinstance(row, Vault) else None
        row._state.adding = True

    return [by_key, by_key_and_state, by_new_key]


@pytest.mark.parametrize("make_new", copies())
def test_a_copy_to_a_new_row_opens_there(vault, make_new):
    old = vault.pk
    make_new(vault)
    vault.save()
    assert vault.pk != old
    assert [each.secret for each in Vault.objects.all()] == [{"pin": [1, 2]}] * 2


@pytest.mark.parametrize("make_new", copies())
def test_a_copy_for_another_owner_opens_there(bank, other_account, make_new):
    make_new(bank)
    bank.owner = other_account
    bank.save()
    assert [each.access_url for each in BankConnection.objects.all()] == [CANARY] * 2


def test_a_saved_copy_over_another_row_opens_there(vault):
    other = Vault.objects.create(secret="other")
    vault.pk = other.pk
    vault.save()
    assert Vault.objects.get(pk=other.pk).secret == {"pin": [1, 2]}


def test_a_json_value_changed_in_place_is_saved(vault):
    vault.secret["pin"].append(3)
    vault.save()
    assert Vault.objects.get().secret == {"pin": [1, 2, 3]}


@pytest.mark.parametrize(
    "again", [lambda row: pickle.loads(pickle.dumps(row)), copy.copy, copy.deepcopy]
)
def test_a_copied_instance_opens_its_value(bank, again, django_assert_num_queries):
    copied = again(bank)
    with django_assert_num_queries(0):
        assert copied.access_url == CANARY


def test_a_value_is_opened_once(bank, monkeypatch):
    assert bank.access_url == CANARY
    monkeypatch.setattr(BankConnection._meta.get_field("access_url"), "open_text", None)
    assert bank.access_url == CANARY


def test_a_row_without_its_bound_column_is_saved_without_the_value(bank):
    found = BankConnection.objects.defer("owner").get()
    found.label, found.access_url = "changed", "new"
    found.save(update_fields=["label"])
    assert (stored(bank).label, stored(bank).access_url) == ("changed", CANARY)


def test_values_open_with_the_columns_of_the_row(bank):
    row = BankConnection.objects.values("owner", "access_url").get()
    assert isinstance(row["access_url"], Sealed)
    assert row["access_url"].open(owner=row["owner"]) == CANARY
    assert row["access_url"].open(owner=bank.owner) == CANARY


def test_values_do_not_open_with_other_columns(bank, other_account):
    sealed = BankConnection.objects.values_list("access_url", flat=True).get()
    with pytest.raises(Tampered):
        sealed.open(owner=other_account)


def test_values_do_not_open_without_columns(bank):
    sealed = BankConnection.objects.values_list("access_url", flat=True).get()
    with pytest.raises(TypeError, match="owner"):
        sealed.open()


def by_update(bank):
    BankConnection.objects.update(access_url="new")


def by_bulk_update(bank):
    bank.access_url = "new"
    BankConnection.objects.bulk_update([bank], ["access_url"])


@pytest.mark.parametrize("write", [by_update, by_bulk_update])
def test_writes_that_do_not_know_the_row_are_refused(bank, write):
    with pytest.raises(FieldError, match="bound to owner"), transaction.atomic():
        write(bank)
    assert stored(bank).access_url == CANARY


def test_a_sealed_object_and_null_may_be_written_without_the_row(bank):
    sealed = BankConnection.objects.values_list("access_url", flat=True).get()
    BankConnection.objects.update(access_url=None)
    assert stored(bank).access_url is None
    BankConnection.objects.update(access_url=sealed)
    assert stored(bank).access_url == CANARY


@pytest.mark.parametrize("expression", [Lower("realm"), F("realm"), Value("x")])
def test_a_bound_column_takes_no_expression(vault, expression):
    vault.realm = expression
    with pytest.raises(FieldError, match="takes no expression"):
        vault.save()


def test_a_value_assigned_as_sealed_is_left_alone(bank, other_account, cell):
    field = BankConnection._meta.get_field("access_url")
    bank.owner = other_account
    bank.access_url = Sealed(field.seal("made outside", bound=(other_account.pk,)))
    bank.save()
    assert stored(bank).access_url == "made outside"


def test_null_is_bound_like_any_value():
    field = BankConnection._meta.get_field("owner")
    assert canonical(field, None) is None


def test_an_instance_of_no_row_opens_by_its_own_columns(bank, cell):
    loaded = LoadedSealed.trusted(cell(bank, "access_url").text)
    made = BankConnection(pk=bank.pk, owner_id=bank.owner_id)
    BankConnection.objects.all().delete()
    made.__dict__["access_url"] = loaded
    made._state.bt_security_bound = {}
    assert made.access_url == CANARY


def test_a_row_that_is_gone_is_named_as_such(bank, other_account):
    found = BankConnection.objects.defer("owner", "access_url").get()
    BankConnection.objects.all().delete()
    found.owner = other_account
    with pytest.raises(BankConnection.DoesNotExist):
        found.save(update_fields=["owner"])


def test_a_new_account_and_its_connection_are_saved_in_turn():
    owner = Account(email="new@example.com")
    made = BankConnection(owner=owner, access_url=CANARY)
    owner.save()
    made.save()
    assert stored(made).access_url == CANARY
