"""Purpose keys: what is made with them matches for ever, whichever key wraps them."""

from __future__ import annotations

import asyncio
import hmac
import threading

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection, connections, transaction

from bt_security import keys, signals
from bt_security.crypto import SealingKey
from bt_security.exceptions import KeyRefused, NotSealed, RetiredKey, Tampered, WrongKey
from bt_security.keys import current, purpose, store
from bt_security.models import Setting
from tests.keys.conftest import OPERATOR, SECOND, configure, key_rows
from tests.vectors import files

pytestmark = pytest.mark.usefixtures("key_table")

ROW = "_purpose/api_tokens/1"


def digest(data=b"x"):
    return keys.keyed_digest("api_tokens", data)


def rewrap_all():
    """What a rotation does with purpose keys."""
    ring = keys.reload()
    for name, text in key_rows().items():
        if name.startswith(store.PURPOSE_PREFIX):
            store.write(name, purpose.rewrap(name, text, keyring=ring))


@pytest.mark.parametrize(
    "name",
    ["", "a/b", "/", "API", "api tokens", "tökens", "-api", "a" * 81, "a\n", "api%", "_api"],
)
@pytest.mark.parametrize(
    "call", [keys.purpose_keys, keys.new_generation, lambda name: keys.keyed_digest(name, b"")]
)
def test_a_wrong_name_is_refused(name, call):
    with pytest.raises(ValueError, match="not a purpose name"):
        call(name)


def test_a_process_that_may_not_seal_makes_no_purpose_key(settings):
    settings.BT_SECURITY_KEYS_ACCEPT_DATABASE_KEY = False
    keys.forget()
    with pytest.raises(KeyRefused):
        digest()
    assert key_rows() == {}


def test_a_purpose_key_of_an_unknown_operator_does_not_open():
    configure(OPERATOR)
    digest()
    configure(SECOND)
    with pytest.raises(WrongKey):
        digest()


def test_a_purpose_key_of_the_retired_database_key_does_not_open():
    digest()
    configure(OPERATOR)
    keys.state.write_state("done", SealingKey("e2", OPERATOR.encode()))
    with pytest.raises(RetiredKey):
        digest()


@pytest.mark.parametrize("name", ["_purpose/other/1", "_purpose/api_tokens/2"])
def test_a_purpose_key_does_not_open_in_another_row(name):
    digest()
    Setting.vault.create(name=name, value=key_rows()[ROW])
    keys.forget()
    with pytest.raises(Tampered):
        keys.purpose_keys(name.split("/")[1])


def test_a_changed_purpose_key_is_refused():
    digest()
    Setting.vault.filter(name=ROW).update(value="changed")
    keys.forget()
    with pytest.raises(NotSealed):
        digest()


def test_an_unknown_generation_is_refused():
    digest()
    with pytest.raises(WrongKey, match="purpose api_tokens, generation 2"):
        keys.purpose_key("api_tokens", 2)


def test_nothing_is_wrapped_by_a_keyring_that_may_not_seal():
    digest()
    with pytest.raises(KeyRefused):
        purpose.rewrap(ROW, key_rows()[ROW], keyring=keys.Keyring(openers=keys.ring().openers))


@pytest.mark.parametrize(
    "name", ["_purpose/api_tokens/0", "_purpose/api_tokens/x/2", "_purpose/A/1"]
)
def test_a_row_with_another_name_is_passed_over(name):
    digest()
    Setting.vault.create(name=name, value="x")
    keys.forget()
    assert [key.generation for key in keys.purpose_keys("api_tokens")] == [1]


def test_a_digest_is_generation_and_hmac():
    made = digest(b"data")
    [key] = keys.purpose_keys("api_tokens")
    assert made == "1$" + hmac.digest(key.secret, b"data", "sha256").hex()


def test_a_purpose_key_has_32_bytes_of_its_own():
    secrets = {keys.purpose_keys(name)[0].secret for name in ("api_tokens", "feeds", "audit.mac")}
    assert {len(secret) for secret in secrets} == {32}
    assert len(secrets) == 3


def test_a_stored_purpose_key_opens_as_the_format_page_says():
    configure(OPERATOR)
    digest()
    opened = files.open_by_hand(
        OPERATOR.encode(),
        key_rows()[ROW],
        context=f"bt_security.setting.{ROW}",
        use="/wrap",
    )
    assert opened == keys.purpose_keys("api_tokens")[0].secret


def test_a_purpose_key_is_made_once():
    first = digest()
    keys.forget()
    assert digest() == first


def test_threads_that_race_make_one_purpose_key():
    keys.ring()
    barrier, found = threading.Barrier(6), []

    def run():
        barrier.wait()
        found.append(digest())
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_making_a_purpose_key_is_reported_once():
    received = []

    def receive(sender, action, target, **_):
        received.append((action, target))

    keys.ring()
    signals.security_event.connect(receive)
    digest()
    digest()
    signals.security_event.disconnect(receive)
    assert received == [("keys.purpose_key_created", "purpose:api_tokens")]


def test_a_generation_that_another_process_made_first_is_not_reported():
    digest()
    before = key_rows()
    received = []

    def receive(sender, **_):
        received.append(sender)

    signals.security_event.connect(receive)
    purpose._make(ROW)
    signals.security_event.disconnect(receive)
    assert (received, key_rows()) == ([], before)


def test_a_new_generation_makes_new_digests():
    first = digest()
    assert keys.new_generation("api_tokens") == 2
    assert digest().startswith("2$")
    assert keys.keyed_digests("api_tokens", b"x") == [digest(), first]


def test_generations_are_counted_as_numbers():
    for _ in range(11):
        keys.new_generation("api_tokens")
    assert [key.generation for key in keys.purpose_keys("api_tokens")] == [*range(11, 0, -1)]


@pytest.mark.feature("TK-06")
def test_digests_match_after_the_operator_key_was_changed_and_the_old_one_removed():
    """Each purpose has a key of its own, whose digests match after the operator key was changed."""
    configure(OPERATOR)
    first = digest()
    configure(SECOND, OPERATOR)
    keys.state.write_state("done", SealingKey("e2", SECOND.encode()))
    rewrap_all()
    configure(SECOND)
    assert digest() == first


def test_digests_match_after_the_move_from_the_database_key():
    first = digest()
    configure(OPERATOR)
    key = SealingKey("e2", OPERATOR.encode())
    keys.state.write_state("migrating", key)
    rewrap_all()
    keys.state.write_state("done", key)
    Setting.vault.filter(name=store.DATABASE_KEY).delete()
    keys.forget()
    assert digest() == first


def test_a_digest_costs_no_query_while_the_keys_are_fresh(django_assert_num_queries):
    digest()
    with django_assert_num_queries(0):
        keys.keyed_digests("api_tokens", b"y")


def test_the_keys_are_read_again_after_a_while(later, django_assert_num_queries):
    configure(OPERATOR)
    digest()
    later(current.REFRESH_SECONDS)
    with django_assert_num_queries(1):
        digest()


def other_process_adds_a_generation():
    known = dict(purpose._loaded)
    keys.new_generation("api_tokens")
    purpose._loaded.update(known)


def test_a_generation_of_another_process_is_found_after_a_while(later):
    digest()
    other_process_adds_a_generation()
    assert digest().startswith("1$")
    later(current.REFRESH_SECONDS)
    assert digest().startswith("2$")


def test_an_unknown_generation_is_looked_for_after_a_second(later):
    digest()
    other_process_adds_a_generation()
    later(current.RELOAD_SECONDS)
    assert keys.purpose_key("api_tokens", 2).generation == 2


def test_forgetting_reads_the_keys_again():
    first = digest()
    Setting.vault.all().delete()
    keys.forget()
    assert digest() != first


def test_a_flushed_purpose_key_is_put_back(later):
    first = digest()
    Setting.vault.all().delete()
    later(current.REFRESH_SECONDS)
    assert digest() == first
    keys.forget()
    assert digest() == first


def test_a_purpose_key_that_may_be_rolled_back_is_not_kept():
    keys.ring()
    with transaction.atomic():
        inside = digest()
        transaction.set_rollback(True)
    stayed = ROW in key_rows()
    assert stayed == (connection.vendor != "sqlite")
    assert (digest() == inside) == stayed


async def call(function):
    return function()


def test_in_async_code_the_keys_at_hand_are_used(later):
    first = digest()
    later(current.REFRESH_SECONDS)
    assert asyncio.run(call(digest)) == first


def test_in_async_code_keys_that_were_never_read_are_an_error():
    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(call(digest))
