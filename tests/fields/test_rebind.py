"""`rebind` changes bound columns of many rows and seals their values anew."""

from __future__ import annotations

import pytest
from django.db.models.signals import post_save

from bt_security.exceptions import BindingChanged
from bt_security.fields import rebind
from tests.fields.conftest import break_text
from tests.testapp.models import BankConnection, Note, Vault

pytestmark = pytest.mark.django_db


@pytest.fixture
def banks(account):
    urls = ["one", "two", None]
    return [BankConnection.objects.create(owner=account, access_url=url) for url in urls]


def urls_of(owner):
    return [row.access_url for row in BankConnection.objects.filter(owner=owner).order_by("pk")]


@pytest.mark.parametrize("name", ["owner", "owner_id"])
def test_rows_are_bound_to_the_new_value(banks, other_account, name):
    new = other_account if name == "owner" else other_account.pk
    assert rebind(BankConnection.objects.all(), **{name: new}) == 3
    assert urls_of(other_account) == ["one", "two", None]


def test_only_the_rows_of_the_queryset_change(banks, account, other_account):
    chosen = BankConnection.objects.filter(pk=banks[0].pk)
    assert rebind(chosen, owner=other_account) == 1
    assert (urls_of(other_account), urls_of(account)) == (["one"], ["two", None])


def test_other_columns_may_change_with_them(banks, other_account):
    rebind(BankConnection.objects.all(), owner=other_account, label="moved")
    assert set(BankConnection.objects.values_list("label", flat=True)) == {"moved"}


def test_columns_that_nothing_is_bound_to_are_just_written(banks, cell):
    before = cell(banks[0], "access_url").text
    rebind(BankConnection.objects.all(), label="moved")
    assert cell(banks[0], "access_url").text == before


def test_one_unreadable_value_changes_no_row(banks, account, other_account, cell):
    cell(banks[1], "access_url").text = break_text(cell(banks[1], "access_url").text, "flipped")
    with pytest.raises(BindingChanged, match=f"primary key {banks[1].pk}"):
        rebind(BankConnection.objects.all(), owner=other_account)
    assert not BankConnection.objects.filter(owner=other_account).exists()
    assert BankConnection.objects.get(pk=banks[0].pk).access_url == "one"


def test_more_rows_than_a_batch_change_in_one_call(monkeypatch, banks, other_account):
    monkeypatch.setattr("bt_security.fields.binding._REBIND_BATCH", 2)
    assert rebind(BankConnection.objects.all(), owner=other_account) == 3
    assert urls_of(other_account) == ["one", "two", None]


def test_a_json_value_is_bound_anew():
    Vault.objects.create(secret={"a": 1})
    rebind(Vault.objects.all(), realm="other")
    assert Vault.objects.get(realm="other").secret == {"a": 1}


def test_no_save_signal_is_sent(banks, other_account):
    sent = []
    post_save.connect(lambda **options: sent.append(options), weak=False, dispatch_uid="seen")
    try:
        rebind(BankConnection.objects.all(), owner=other_account)
    finally:
        post_save.disconnect(dispatch_uid="seen")
    assert sent == []


def test_a_model_without_bound_fields_is_just_updated(note):
    assert rebind(Note.objects.all(), title="new") == 1
    assert Note.objects.get().title == "new"
