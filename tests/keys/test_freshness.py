"""When the keyring of a process is read again."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation

from bt_security import keys
from bt_security.crypto import SealingKey, aad_tail, parse_sealed
from bt_security.exceptions import WrongKey
from bt_security.keys import current
from bt_security.keys.state import write_state
from bt_security.models import Setting
from tests.keys.conftest import OPERATOR, SECOND, configure
from tests.testapp.models import Account, BankConnection, Note

pytestmark = pytest.mark.usefixtures("key_table")

KEY = SealingKey("e2", OPERATOR.encode())
UNKNOWN = SealingKey("e2", SECOND.encode())
BODY = Note._meta.get_field("body")


async def call(function, *arguments):
    return function(*arguments)


def in_async_code(function, *arguments):
    return asyncio.run(call(function, *arguments))


def unknown_text():
    return UNKNOWN.seal(b"x", tail=aad_tail(BODY.context))


def test_a_keyring_that_depends_on_the_database_is_kept_for_a_while(later):
    ring = keys.ring()
    later(current.REFRESH_SECONDS - 0.5)
    assert keys.ring() is ring


def test_a_keyring_that_depends_on_the_database_is_read_again(later):
    ring = keys.ring()
    later(current.REFRESH_SECONDS)
    assert keys.ring() is not ring


def test_a_finished_move_is_not_asked_about_again(later):
    configure(OPERATOR)
    ring = keys.ring()
    later(1_000_000)
    assert keys.ring() is ring


def test_the_beginning_of_a_move_is_noticed(later):
    configure(OPERATOR)
    write_state("migrating", KEY)
    configure()
    Setting.vault.all().delete()
    before = keys.ring().sealing_key
    configure(OPERATOR)
    assert keys.ring().sealing_key.prefix == before.prefix
    write_state("migrating", KEY)
    later(current.REFRESH_SECONDS)
    assert keys.ring().sealing_key.prefix == KEY.prefix


def test_the_fields_notice_the_beginning_of_a_move(later):
    keys.ring()
    configure(OPERATOR)
    first = BODY.seal("x")
    write_state("migrating", KEY)
    later(current.REFRESH_SECONDS)
    assert (first[:2], BODY.seal("x")[:2]) == ("e1", "e2")


def test_a_process_settles_before_the_move_may_be_closed():
    assert current.SETTLE_SECONDS >= 2 * current.REFRESH_SECONDS


def test_a_value_costs_no_query_while_the_keyring_is_fresh(django_assert_num_queries):
    keys.ring()
    with django_assert_num_queries(0):
        BODY.open_text(BODY.seal("x"))


def test_an_unknown_prefix_makes_the_keyring_read_again_once_a_second(
    later, django_assert_num_queries
):
    keys.ring()
    for seconds, queries in ((0, 0), (0.6, 0), (0.6, 1), (0.6, 0), (0.6, 1)):
        later(seconds)
        with django_assert_num_queries(queries), pytest.raises(WrongKey):
            BODY.open_text(unknown_text())


def test_a_thousand_unknown_values_cost_one_query(later, django_assert_num_queries):
    keys.ring()
    later(current.RELOAD_SECONDS)
    with django_assert_num_queries(1):
        for _ in range(1000):
            with pytest.raises(WrongKey):
                BODY.open_text(unknown_text())


def test_in_async_code_the_keyring_at_hand_is_used(later):
    ring = keys.ring()
    later(current.REFRESH_SECONDS)
    assert in_async_code(keys.ring) is ring


def test_in_async_code_values_seal_and_open_after_the_refresh_is_due(later):
    keys.ring()
    later(current.REFRESH_SECONDS)
    assert BODY.open_text(in_async_code(BODY.seal, "x")) == "x"


def test_in_async_code_a_keyring_that_was_never_read_is_an_error():
    with pytest.raises(SynchronousOnlyOperation):
        in_async_code(keys.ring)


def test_in_async_code_an_unknown_prefix_is_a_refusal(later):
    keys.ring()
    later(current.RELOAD_SECONDS)
    with pytest.raises(WrongKey):
        in_async_code(BODY.open_text, unknown_text())


def test_in_async_code_a_bound_value_of_an_unknown_key_is_a_refusal(later):
    owner = Account.objects.create(email="ada@example.org")
    row = BankConnection.objects.create(owner=owner, access_url="x")
    field = BankConnection._meta.get_field("access_url")
    text = UNKNOWN.seal(b"x", tail=aad_tail(field.context, [owner.pk]))
    row.access_url = field.from_db_value(text, None, None)
    later(current.RELOAD_SECONDS)
    with pytest.raises(WrongKey):
        in_async_code(getattr, row, "access_url")


def test_the_async_interface_of_the_models_works():
    async def round_trip():
        note = await Note.objects.acreate(body="x")
        return (await Note.objects.aget(pk=note.pk)).body

    assert async_to_sync(round_trip)() == "x"


def test_a_fixed_keyring_is_never_read_again(later, django_assert_num_queries):
    fixed = keys.Keyring(openers={KEY.prefix: KEY}, sealer=KEY)
    current.fix(fixed)
    try:
        later(1_000_000)
        with django_assert_num_queries(0), pytest.raises(WrongKey):
            BODY.open_text(unknown_text())
        keys.forget()
        assert keys.reload() is keys.ring() is fixed
    finally:
        current.fix(None)


def test_a_keyring_opens_an_envelope():
    ring = keys.Keyring(openers={KEY.prefix: KEY}, sealer=KEY)
    text = KEY.seal(b"x", tail=aad_tail("a.b.c"))
    assert ring.open(parse_sealed(text), tail=aad_tail("a.b.c")) == b"x"
