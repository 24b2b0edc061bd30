"""Abstract bases, children with a table of their own, proxies."""

from __future__ import annotations

import pytest
from django.db import models
from django.test.utils import isolate_apps

from bt_security import fields
from tests.fields.conftest import CANARY, break_text
from tests.testapp.models import (
    BankConnection,
    BankProxy,
    ExpressParcel,
    Letter,
    Note,
    Parcel,
    ProxyNote,
    SharedConnection,
)

pytestmark = pytest.mark.django_db


def test_the_context_is_that_of_the_model_with_the_column():
    contexts = {
        Letter: "testapp.letter.memo",
        Parcel: "testapp.parcel.memo",
        ExpressParcel: "testapp.parcel.memo",
    }
    assert {model: model._meta.get_field("memo").context for model in contexts} == contexts
    assert ProxyNote._meta.get_field("body").context == "testapp.note.body"
    assert ExpressParcel._meta.get_field("door_code").context == "testapp.expressparcel.door_code"


def test_a_child_reads_and_writes_the_columns_of_both_tables(cell):
    made = ExpressParcel.objects.create(memo=CANARY, door_code="1234")
    found = ExpressParcel.objects.get()
    assert (found.memo, found.door_code, Parcel.objects.get().memo) == (CANARY, "1234", CANARY)
    assert CANARY not in cell(made, "memo").text
    found.memo, found.door_code = "new", "0"
    found.save()
    assert ExpressParcel.objects.values_list("memo", "door_code").get() == ("new", "0")


def test_a_proxy_reads_what_the_model_wrote(note):
    assert ProxyNote.objects.get().body == CANARY
    ProxyNote.objects.update(body="by proxy")
    assert Note.objects.get().body == "by proxy"


@pytest.fixture(params=[BankProxy, SharedConnection])
def heir(request, account):
    model = request.param
    made = model.objects.create(owner=account, access_url=CANARY)
    return model.objects.get(pk=made.pk)


def test_an_heir_opens_a_bound_value_without_a_query(heir, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert heir.access_url == CANARY


def test_an_heir_seals_a_bound_value_anew(heir, other_account):
    heir.owner = other_account
    heir.save()
    assert BankConnection.objects.get(pk=heir.pk).access_url == CANARY


def test_an_heir_that_is_saved_raw_keeps_an_unreadable_value(heir, cell):
    text = break_text(cell(heir, "access_url").text, "flipped")
    cell(heir, "access_url").text = text
    found = type(heir).objects.get()
    found.save_base(raw=True)
    assert cell(heir, "access_url").text == text


@isolate_apps("tests.testapp")
def test_an_abstract_base_may_bind_its_field():
    class Base(models.Model):
        realm = models.CharField(max_length=9)
        secret = fields.EncryptedTextField(bind_to="realm")

        class Meta:
            app_label = "testapp"
            abstract = True

    class Heir(Base):
        class Meta:
            app_label = "testapp"

    assert Heir._meta.get_field("secret").bind_to == ("realm",)
    assert Heir(realm="a")._state.bt_security_bound == {"realm": "a"}
    assert not hasattr(Base.save_base, "_bt_security_guarded")
