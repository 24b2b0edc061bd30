"""The database key: made once, put back rather than replaced, never made while values need it."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bt_security import keys, signals
from bt_security.crypto import SealingKey, aad_tail
from bt_security.exceptions import KeyRefused, KeyStoreMissing, RetiredKey, WrongKey
from bt_security.keys import database, inventory, store
from bt_security.models import Setting
from tests.keys.conftest import OPERATOR, configure, key_rows
from tests.testapp.models import Everything, Note

pytestmark = pytest.mark.usefixtures("key_table")

OTHER = bytes(range(48))
OTHER_KEY = base64.b64encode(OTHER).decode()
BODY = Note._meta.get_field("body")
MISSING = "the row _auto_encryption_key is missing"


def put_key(value):
    Setting.vault.filter(name=store.DATABASE_KEY).delete()
    Setting.vault.create(name=store.DATABASE_KEY, value=value)


def drop_key():
    Setting.vault.filter(name=store.DATABASE_KEY).delete()


@pytest.fixture
def events():
    received = []

    def receive(sender, action, target, **_):
        received.append((action, target))

    signals.security_event.connect(receive)
    yield received
    signals.security_event.disconnect(receive)


@pytest.fixture
def no_table():
    """A database in which `migrate` has not run."""
    with connection.schema_editor() as editor:
        editor.delete_model(Setting)
    store._known_tables.clear()
    yield
    with connection.schema_editor() as editor:
        editor.create_model(Setting)


def test_no_key_is_made_while_sealed_values_exist():
    Note.objects.create(body="x")
    drop_key()
    keys.forget()
    with pytest.raises(KeyRefused, match=MISSING):
        Note.objects.create(body="y")
    assert key_rows() == {}


def test_values_of_the_missing_key_do_not_open_and_break_no_list():
    Note.objects.create(body="x")
    drop_key()
    keys.forget()
    note = Note.objects.get()
    with pytest.raises(WrongKey):
        _ = note.body


def test_no_key_is_made_while_a_stored_purpose_key_needs_it():
    keys.keyed_digest("api_tokens", b"x")
    drop_key()
    keys.forget()
    with pytest.raises(KeyRefused, match=MISSING):
        Note.objects.create(body="y")


def test_the_row_put_back_from_a_backup_is_used_again(later):
    Note.objects.create(body="x")
    backup = key_rows()[store.DATABASE_KEY]
    drop_key()
    keys.forget()
    with pytest.raises(KeyRefused):
        Note.objects.create(body="y")
    put_key(backup)
    later(2)
    assert Note.objects.get().body == "x"
    Note.objects.create(body="y")


@pytest.mark.parametrize(
    "value",
    ["", "x", "not base64!", OTHER_KEY[:-4], OTHER_KEY + "AAAA", OTHER_KEY + "\n", "Schlüssel"],
)
def test_a_damaged_row_stops_sealing_and_is_left_alone(value):
    put_key(value)
    with pytest.raises(KeyRefused, match="_auto_encryption_key of bt_security_setting was changed"):
        Note.objects.create(body="x")
    assert key_rows() == {store.DATABASE_KEY: value}


def test_a_damaged_row_does_not_stop_the_operator_key():
    configure(OPERATOR)
    Note.objects.create(body="x")
    put_key("damaged")
    keys.forget()
    assert Note.objects.get().body == "x"
    Note.objects.create(body="y")


def test_two_rows_with_one_key_id_stop_sealing():
    put_key(OTHER_KEY)
    Setting.vault.create(name=f"{store.DATABASE_KEY}/0", value=OTHER_KEY)
    with pytest.raises(KeyRefused, match="two rows of the database key"):
        Note.objects.create(body="x")


def test_without_the_table_sealing_names_the_dependency(no_table):
    with pytest.raises(KeyStoreMissing) as refusal:
        Note.objects.create(body="x")
    assert 'dependencies = [("bt_security", "0001_setting")]' in str(refusal.value)


def test_the_table_is_found_as_soon_as_it_is_there(no_table):
    with pytest.raises(KeyStoreMissing):
        keys.ring()
    with connection.schema_editor() as editor:
        editor.create_model(Setting)
    try:
        assert keys.ring().source == "database"
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Setting)


@pytest.mark.feature("BT-20")
def test_the_first_use_makes_a_key_of_48_bytes():
    """Without a configured key, the first use makes one of 48 random bytes."""
    Note.objects.create(body="x")
    secret = base64.b64decode(key_rows()[store.DATABASE_KEY], validate=True)
    assert len(secret) == 48


def test_the_decoded_bytes_are_the_secret():
    Note.objects.create(body="x")
    secret = base64.b64decode(key_rows()[store.DATABASE_KEY])
    assert keys.ring().sealing_key.key_id == SealingKey("e1", secret).key_id


def test_two_databases_have_two_keys():
    Note.objects.create(body="x")
    first = key_rows()
    Note.objects.all().delete()
    drop_key()
    keys.forget()
    Note.objects.create(body="x")
    assert key_rows() != first


def test_the_key_is_made_once():
    Note.objects.create(body="x")
    first = key_rows()
    keys.forget()
    Note.objects.create(body="y")
    assert key_rows() == first


def test_making_the_key_is_reported_once(events):
    Note.objects.create(body="x")
    keys.reload()
    assert events == [
        ("keys.database_key_created", f"key:{keys.ring().sealing_key.key_id}"),
    ]


def test_a_database_without_the_key_gets_it_back_from_memory(later):
    Note.objects.create(body="x")
    before = key_rows()
    drop_key()
    later(2)
    assert Note.objects.get().body == "x"
    assert key_rows() == before


def test_another_key_in_the_table_seals_and_the_former_opens(later):
    Note.objects.create(title="old", body="x")
    put_key(OTHER_KEY)
    later(2)
    Note.objects.create(title="new", body="y")
    assert keys.ring().sealing_key.prefix == SealingKey("e1", OTHER).prefix
    assert [note.body for note in Note.objects.order_by("pk")] == ["x", "y"]


def test_the_former_key_is_stored_beside_the_new_one(later):
    former = keys.ring().sealing_key.key_id
    before = key_rows()[store.DATABASE_KEY]
    put_key(OTHER_KEY)
    later(2)
    keys.ring()
    assert key_rows() == {
        store.DATABASE_KEY: OTHER_KEY,
        f"{store.DATABASE_KEY}/{former}": before,
    }


def test_all_former_keys_are_kept(later):
    for number in range(3):
        keys.ring()
        put_key(base64.b64encode(bytes([number] * 48)).decode())
        later(2)
    assert len(keys.ring().database_keys) == 4


def test_a_value_of_the_restored_key_opens_before_the_refresh(later):
    keys.ring()
    put_key(OTHER_KEY)
    text = SealingKey("e1", OTHER).seal(b"x", tail=aad_tail(BODY.context))
    later(1)
    assert BODY.open_text(text) == "x"


def test_a_retired_key_is_not_put_back_from_memory(later):
    Note.objects.create(body="x")
    text = Note.objects.values_list("body", flat=True)
    assert list(text) == ["x"]
    sealed = SealingKey("e1", OTHER).seal(b"x", tail=aad_tail(BODY.context))
    configure(OPERATOR)
    keys.state.write_state("done", SealingKey("e2", OPERATOR.encode()))
    drop_key()
    later(2)
    with pytest.raises(RetiredKey):
        BODY.open_text(sealed)
    assert list(key_rows()) == [store.KEY_STATE]


def test_the_count_stops_at_its_limit():
    Note.objects.bulk_create([Note(body="x") for _ in range(5)])
    assert inventory.count_database_key_values(limit=3) == 3
    assert inventory.count_database_key_values(limit=9) == 5


def test_the_count_sees_every_column_of_a_model():
    Note.objects.create(body="x")
    found = {table.model: table for table in inventory.sealed_tables("default")}
    assert inventory.count_prefix(found[Note], "e1:", limit=9) == 1
    assert inventory.count_prefix(found[Note], keys.ring().sealing_key.prefix, limit=9) == 1
    assert inventory.count_prefix(found[Note], "e2:", limit=9) == 0


def test_the_count_passes_over_a_column_that_is_not_there_yet(monkeypatch):
    Note.objects.create(body="x")
    monkeypatch.setattr(BODY, "column", "not_there_yet")
    assert inventory.count_database_key_values(limit=9) == 0


def test_a_table_knows_its_name():
    table = next(table for table in inventory.sealed_tables() if table.model is Note)
    assert table.table == "testapp_note"


def test_proxies_are_no_tables_of_their_own():
    assert not any(model._meta.proxy for model, _ in inventory.sealed_models())


def test_a_database_that_the_test_case_closed_is_not_asked():
    assert {table.alias for table in inventory.sealed_tables()} == {"default"}


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_values_on_another_database_count():
    Note.objects.using("other").create(body="x")
    assert inventory.count_database_key_values(limit=9) == 1
    drop_key()
    keys.forget()
    with pytest.raises(KeyRefused, match=MISSING):
        Note.objects.create(body="y")


def test_a_key_that_another_process_made_meanwhile_is_used():
    Note.objects.create(body="x")
    before = key_rows()
    keys.forget()
    assert database.make_database_key() == before[store.DATABASE_KEY]
    assert key_rows() == before


class NothingOnTheSecond:
    """A router that keeps every model off the second database."""

    def allow_migrate(self, db, app_label, **_):
        return db == "default"


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_a_database_without_sealed_models_is_passed_over(settings):
    settings.DATABASE_ROUTERS = [NothingOnTheSecond()]
    assert {table.alias for table in inventory.sealed_tables()} == {"default"}


def test_a_search_asks_each_table_once_for_all_columns_and_prefixes():
    Note.objects.create(body="x")
    with CaptureQueriesContext(connection) as captured:
        assert not inventory.has_values_under(["e2:", "e1:00000000:", "e2:00000000:"])
    asked = [query["sql"] for query in captured if "substr" in query["sql"].lower()]
    tables = [table.table for table in inventory.sealed_tables()]
    assert len(asked) == len(tables)


def test_a_search_finds_a_value_in_a_later_column_by_a_later_prefix():
    Everything.objects.create(text=None, ip="192.0.2.1")
    prefix = keys.ring().sealing_key.prefix
    assert inventory.has_values_under(["e2:", "e1:00000000:", prefix])
    assert not inventory.has_values_under(["e2:", "e1:00000000:"])


def test_a_search_for_nothing_finds_nothing():
    Note.objects.create(body="x")
    assert not inventory.has_values_under([])


def test_a_search_passes_over_a_table_whose_columns_are_not_there_yet(monkeypatch):
    Note.objects.create(body="x")
    monkeypatch.setattr(BODY, "column", "not_there_yet")
    assert not inventory.has_values_under(["e1:"])
