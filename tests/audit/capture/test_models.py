"""`@audited` on every sort of model: chosen fields, bases, proxies, heirs, any order of apps."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db import models
from django.test.utils import isolate_apps

from bt_security.audit.capture import audited
from tests.testapp.models import BigLedger, Ledger, LedgerProxy, Memo

# Which fields.


def test_only_named_fields_are_recorded(log):
    memo = Memo.objects.create(title="Plan", pages=3)
    memo.pages = 4
    memo.save()
    memo.title = "Plans"
    memo.save()
    assert [entry.body["changes"] for entry in log()] == [
        {"title": [None, "Plan"]},
        {"title": ["Plan", "Plans"]},
    ]


def test_a_named_field_that_was_not_loaded_has_its_old_value(log):
    key = Memo.objects.create(title="Plan").pk
    memo = Memo.objects.only("pages").get(pk=key)
    memo.title = "Plans"
    memo.save()
    assert log.only(action="model.changed").body["changes"] == {"title": ["Plan", "Plans"]}


def test_an_excluded_field_is_not_recorded(safe, log):
    safe.hint = "other"
    safe.save()
    assert log.actions() == []


# Bases, proxies, heirs.


def test_a_model_of_an_audited_base_is_recorded_under_its_own_name(log):
    memo = Memo.objects.create(title="Plan")
    entry = log.only()
    assert (entry.target_kind, entry.target_id) == ("testapp.memo", str(memo.pk))


def test_rows_of_a_proxy_are_recorded_under_the_name_of_the_model(ledger, log):
    proxy = LedgerProxy.objects.get()
    proxy.name = "Bank"
    proxy.save()
    proxy.delete()
    assert [(e.action, e.target_kind) for e in log()] == [
        ("model.changed", "testapp.ledger"),
        ("model.deleted", "testapp.ledger"),
    ]


def test_an_heir_is_recorded_once_with_all_its_fields(log):
    big = BigLedger.objects.create(name="Cash", size=1)
    big = BigLedger.objects.get(pk=big.pk)
    big.name, big.size = "Bank", 2
    big.save()
    big.delete()
    assert [(e.action, e.target_kind) for e in log()] == [
        ("model.created", "testapp.bigledger"),
        ("model.changed", "testapp.bigledger"),
        ("model.deleted", "testapp.bigledger"),
    ]
    assert log(action="model.changed")[0].body["changes"] == {
        "name": ["Cash", "Bank"],
        "size": [1, 2],
    }


def test_an_heir_that_was_never_loaded_has_its_old_values(db, log):
    made = BigLedger.objects.create(name="Cash", size=1)
    BigLedger(id=made.pk, name="Bank", size=2).save()
    found = log.only(action="model.changed").body["changes"]
    assert (found["name"], found["size"]) == (["Cash", "Bank"], [1, 2])


def test_an_heir_deleted_through_its_parent_has_an_entry_of_its_own(log):
    made = BigLedger.objects.create(name="Cash")
    Ledger.objects.get(pk=made.pk).delete()
    assert {e.target_kind for e in log(action="model.deleted")} == {
        "testapp.bigledger",
        "testapp.ledger",
    }


@isolate_apps("tests.testapp")
def test_a_model_that_is_defined_later_is_recorded(log):
    @audited()
    class Late(models.Model):
        title = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"
            db_table = "testapp_tag"
            managed = False

    class LateHeir(Late):
        class Meta:
            app_label = "testapp"
            proxy = True

    Late._meta.get_field("title").column = "name"
    made = Late(title="x")
    made.save()
    LateHeir.objects.get(pk=made.pk).delete()
    assert log.actions() == ["model.created", "model.deleted"]


@isolate_apps("tests.testapp")
def test_the_way_in_which_a_row_is_fetched_is_handed_on(log):
    seen = []

    @audited()
    class Fetched(models.Model):
        name = models.CharField(max_length=5)

        class Meta:
            app_label = "testapp"
            db_table = "testapp_tag"
            managed = False

        @classmethod
        def from_db(cls, db, field_names, values, *, fetch_mode=None):
            seen.append(fetch_mode)
            return super().from_db(db, field_names, values)

    row = Fetched.from_db("default", ["id", "name"], (1, "x"), fetch_mode="peers")
    assert (seen, row.name) == (["peers"], "x")


@isolate_apps("tests.testapp")
def test_two_audited_bases_make_one_entry(log):
    @audited()
    class First(models.Model):
        name = models.CharField(max_length=5)

        class Meta:
            abstract = True
            app_label = "testapp"

    @audited()
    class Second(models.Model):
        class Meta:
            abstract = True
            app_label = "testapp"

        @classmethod
        def from_db(cls, *values, **options):
            made = super().from_db(*values, **options)
            made.was_loaded = True
            return made

        def refresh_from_db(self, *values, **options):
            super().refresh_from_db(*values, **options)
            self.was_refreshed = True

    @audited(mask=["name"])
    class Both(First, Second):
        class Meta:
            app_label = "testapp"
            db_table = "testapp_tag"
            managed = False

    Both.objects.create(name="x")
    found = Both.objects.get()
    found.refresh_from_db()
    assert found.was_loaded
    assert found.was_refreshed
    assert log.only().body == {"changes": {"name": "[changed]"}}


# Where models are imported from.


SITE = """
import sys
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 50,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=sys.argv[1].split(","),
    BT_SECURITY_FEATURES=["audit"],
    TOKEN_ENCRYPTION_KEY="t" * 50,
)
django.setup()
from shop.models import Order
print(Order.bt_audited.mask, hasattr(Order, "bt_audit_hooked"))
"""
MODELS = """
from django.db import models
from bt_security.audit.capture import AuditedManager, audited

@audited(mask=["card"])
class Order(models.Model):
    card = models.CharField(max_length=20)
    objects = AuditedManager()
"""


@pytest.mark.once
@pytest.mark.parametrize("apps", ["shop,{0},bt_security", "bt_security,{0},shop"])
def test_a_model_may_be_decorated_in_every_order_of_the_apps(tmp_path, apps):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "models.py").write_text(MODELS)
    installed = apps.format("django.contrib.auth,django.contrib.contenttypes")
    command = [sys.executable, "-c", SITE, installed]
    found = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": f"{tmp_path}:."}
    )
    assert found.stdout.strip() == "frozenset({'card'}) True"
