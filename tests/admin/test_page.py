"""What the page of the keys says in every state."""

from __future__ import annotations

import base64
import re

import pytest
from django.contrib.admin import AdminSite
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bt_security import keys
from bt_security.admin import EncryptionKeysAdmin
from bt_security.crypto import sealing_key
from bt_security.keys import store
from bt_security.keys.state import write_state
from bt_security.models import EncryptionKeys, Setting
from bt_security.rotation import Choice, rotate
from bt_security.rotation.status import TRADE_OFF
from tests.admin.conftest import JSON, NEW, OLD, PAGE, use_keys
from tests.testapp.models import Account, Legacy, Note

pytestmark = [pytest.mark.feature("BT-27"), pytest.mark.usefixtures("site")]


def key_id(key: str) -> str:
    return sealing_key("e2", key.encode()).key_id


def commands(answer) -> list[str]:
    return [step["command"] for step in answer.json()["next"] if step["command"]]


def counted(client, column: str) -> list[tuple[str, str, int, bool]]:
    rows = client.post(PAGE).context["rows"]
    return [(row.kind, row.key_id, row.values, row.is_old) for row in rows if row.column == column]


def begin_to_move(key: str) -> None:
    use_keys(key)
    write_state("migrating", keys.reload().operator_key)
    use_keys(key)


def start_under_an_operator_key(key: str) -> None:
    Setting.vault.all().delete()
    use_keys(key)
    keys.reload()
    Account.objects.update(email="admin@example.org")


def test_the_database_key_comes_with_its_trade_off(admin_client):
    assert TRADE_OFF in admin_client.get(PAGE).content.decode()
    found = admin_client.get(JSON).json()
    assert (found["encryption_key_source"], found["warnings"]) == ("db", [TRADE_OFF])
    assert commands(admin_client.get(JSON)) == ["manage.py generate_key", "manage.py rotate_keys"]


def test_an_operator_key_from_the_start_needs_nothing(admin_client):
    start_under_an_operator_key(OLD)
    found = admin_client.get(JSON).json()
    assert (found["encryption_key_source"], found["state"]) == ("env", "done")
    assert (found["operator_key_id"], found["sealing_key_id"]) == (key_id(OLD), key_id(OLD))
    assert (found["warnings"], found["next"], found["counts"]) == ([], [], None)
    assert TRADE_OFF not in admin_client.get(PAGE).content.decode()
    assert "Nothing that can be seen without counting." in admin_client.get(PAGE).content.decode()
    assert "every value is sealed" in admin_client.post(PAGE).content.decode()


def test_a_move_that_has_begun_says_how_to_end_it(admin_client):
    begin_to_move(OLD)
    assert commands(admin_client.get(JSON)) == ["manage.py rotate_keys --online"]
    assert "both open values" in admin_client.get(PAGE).content.decode()


def test_an_operator_key_that_nothing_was_moved_to_yet_is_named(admin_client):
    use_keys(OLD)
    found = admin_client.get(JSON).json()
    assert (found["encryption_key_source"], found["state"]) == ("db", "")
    assert commands(admin_client.get(JSON)) == ["manage.py rotate_keys --online"]
    assert "has not begun" in admin_client.get(PAGE).content.decode()


def test_a_database_key_that_opens_nothing_more_is_to_be_deleted(admin_client):
    begin_to_move(OLD)
    rotate(Choice(), settle_seconds=0)
    assert commands(admin_client.get(JSON)) == ["manage.py rotate_keys --retire-database-key"]
    assert "retired: opens nothing" in admin_client.get(PAGE).content.decode()


def test_old_keys_stay_until_no_value_needs_them(admin_client):
    start_under_an_operator_key(OLD)
    Note.objects.create(body="sealed under the old key")
    use_keys(NEW, OLD)
    assert commands(admin_client.get(JSON)) == ["manage.py key_status --fail-on-old"]
    assert commands(admin_client.post(JSON)) == [
        "manage.py rotate_keys --online",
        "manage.py key_status --fail-on-old",
    ]
    rotate(Choice(), settle_seconds=0)
    assert commands(admin_client.post(JSON)) == []
    assert "Remove TOKEN_ENCRYPTION_KEY_PREVIOUS" in admin_client.post(PAGE).content.decode()


def test_another_operator_key_is_refused_and_told_so(admin_client):
    start_under_an_operator_key(OLD)
    use_keys(NEW)
    found = admin_client.get(JSON).json()
    assert key_id(OLD) in found["refusal"]
    assert (found["warnings"], found["next"]) == ([found["refusal"]], [])
    assert "this process seals nothing" in admin_client.get(PAGE).content.decode()


def test_a_malformed_key_is_named_and_nothing_is_counted(admin_client, monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "short")
    found = admin_client.post(JSON).json()
    assert "needs at least 32" in found["refusal"]
    assert found["counts"] is None
    assert "Count now" not in admin_client.get(PAGE).content.decode()


def test_looking_makes_no_key(admin_client):
    Setting.vault.all().delete()
    keys.forget()
    assert "no key yet" in admin_client.get(PAGE).content.decode()
    assert commands(admin_client.get(JSON)) == ["manage.py generate_key", "manage.py rotate_keys"]
    assert not Setting.vault.exists()


def test_a_site_that_starts_with_an_operator_key_has_its_source_before_its_first_value(
    admin_client,
):
    Setting.vault.all().delete()
    use_keys(OLD)
    found = admin_client.get(JSON).json()
    assert (found["encryption_key_source"], found["next"]) == ("env", [])


def test_values_are_counted_by_column_and_key(admin_client):
    Note.objects.bulk_create([Note(body="one"), Note(body="two"), Note(body=None)])
    (database_key,) = keys.ring().database_keys
    name = "testapp.Note.body"
    assert counted(admin_client, name) == [("database key", database_key.key_id, 2, False)]
    begin_to_move(OLD)
    assert counted(admin_client, name) == [("database key", database_key.key_id, 2, True)]
    Note.objects.create(body="three")
    assert counted(admin_client, name)[1] == ("operator key", key_id(OLD), 1, False)


def test_values_of_previous_retired_and_missing_keys_are_told_apart(admin_client):
    Note.objects.create(body="sealed under the database key")
    (database_key,) = keys.ring().database_keys
    begin_to_move(OLD)
    Note.objects.create(body="sealed under the old key")
    write_state("done", keys.reload().operator_key)
    use_keys(NEW, OLD)
    name = "testapp.Note.body"
    assert counted(admin_client, name) == [
        ("retired database key", database_key.key_id, 1, True),
        ("previous operator key", key_id(OLD), 1, True),
    ]
    use_keys(NEW)
    assert [row[0] for row in counted(admin_client, name)] == [
        "retired database key",
        "missing key",
    ]


def test_plaintext_and_damaged_values_are_counted_as_such(admin_client):
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO testapp_legacy (token) VALUES (%s)", [("still plain",), ("e1:cut",)]
        )
    found = [row[0] for row in counted(admin_client, "testapp.Legacy.token")]
    assert found == ["plaintext", "unreadable"]
    assert Legacy.objects.count() == 2


def test_an_empty_column_has_a_row_and_purpose_keys_have_one(admin_client):
    keys.keyed_digest("admin-test", b"makes a purpose key")
    assert counted(admin_client, "testapp.Note.body") == [("no value", "", 0, False)]
    (row,) = counted(admin_client, "purpose keys")
    assert (row[0], row[2], row[3]) == ("database key", 1, False)


def test_json_has_the_counts_only_when_asked(admin_client):
    Note.objects.create(body="one")
    assert admin_client.get(JSON).json()["counts"] is None
    counts = admin_client.post(JSON).json()["counts"]
    (column,) = [
        c for c in counts["columns"] if (c["model"], c["field"]) == ("testapp.Note", "body")
    ]
    assert sum(column["by_prefix"].values()) == 1


def test_values_without_an_installed_model_keep_the_old_keys(admin_client):
    start_under_an_operator_key(OLD)
    Note.objects.create(title="e2:0123abcd:of a table whose app was removed")
    store.write(store.SEALED_COLUMNS, '[["default", "testapp_note", "title"]]')
    page = admin_client.post(PAGE).content.decode()
    assert "Keep the old keys. Sealed values without an installed model" in page
    assert "every value is sealed" not in page


def test_a_site_without_encrypted_fields_says_so(admin_client, monkeypatch):
    monkeypatch.setattr("bt_security.keys.inventory.sealed_models", lambda: iter(()))
    assert "No installed model has an encrypted field." in admin_client.post(PAGE).content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_key_is_anywhere_on_the_page(admin_client, method):
    stored = Setting.vault.get(name="_auto_encryption_key").value
    secrets = [stored, base64.b64decode(stored).hex(), OLD, NEW]
    begin_to_move(NEW)
    for page in (PAGE, JSON):
        text = getattr(admin_client, method)(page).content.decode()
        assert not [secret for secret in secrets if secret in text]
        assert not re.search(r"_auto_encryption_key|_key_state|e[12]:[0-9a-f]{8}:\S{40}", text)


def test_a_look_reads_the_key_table_twice_and_no_other_table(admin_client):
    admin_client.get(PAGE)
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(PAGE)
    asked = [query["sql"] for query in queries]
    others = [sql for sql in asked if "django_session" in sql or "testapp_account" in sql]
    assert len(others) == 2
    assert len(asked) - len(others) == 2
    assert all("bt_security_setting" in sql for sql in asked if sql not in others)


def test_other_pages_of_the_admin_ask_nothing_of_the_keys(admin_client):
    admin_client.get("/admin/")
    with CaptureQueriesContext(connection) as queries:
        admin_client.get("/admin/")
    assert not [query["sql"] for query in queries if "testapp_note" in query["sql"]]


def test_the_page_holds_no_script_or_style_of_its_own(admin_client):
    page = admin_client.post(PAGE).content.decode()
    content = page[page.index('id="content-main"') : page.index("<footer")]
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|https?://", content)


def test_the_page_is_read_well_by_screen_readers(admin_client):
    page = admin_client.post(PAGE).content.decode()
    content = page[page.index('id="content-main"') : page.index("<footer")]
    assert content.count("<caption>") == content.count("<table>") == 2
    assert len(re.findall("<th ", content)) == len(re.findall('<th scope="(?:row|col)"', content))


def test_a_second_admin_site_can_have_the_page_too():
    site = AdminSite(name="second")
    site.register(EncryptionKeys, EncryptionKeysAdmin)
    assert site.is_registered(EncryptionKeys)
    names = [url.name for url in site.get_model_admin(EncryptionKeys).get_urls()]
    assert names == [
        "bt_security_encryptionkeys_changelist",
        "bt_security_encryptionkeys_status",
    ]


def test_dumpdata_says_nothing_of_the_page(capsys):
    call_command("dumpdata", "bt_security")
    assert capsys.readouterr().out.strip() == "[]"


def test_the_page_opens_for_an_account_whose_own_name_does_not(admin_client, admin_user):
    Setting.vault.all().delete()
    use_keys(OLD)
    assert f"<strong>account {admin_user.pk}</strong>" in admin_client.get(PAGE).content.decode()
