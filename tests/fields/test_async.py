"""The same paths from async code."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from bt_security import keys
from bt_security.exceptions import Tampered
from tests.fields.conftest import CANARY, Cell, break_text
from tests.testapp.models import Account, BankConnection, Note

pytestmark = pytest.mark.django_db


def run(work):
    """Run a coroutine function to its end, its queries in this thread."""
    return async_to_sync(work)()


async def asave():
    await Note(title="t", body=CANARY).asave()


async def acreate():
    await Note.objects.acreate(title="t", body=CANARY)


async def abulk_create():
    await Note.objects.abulk_create([Note(title="t", body=CANARY)])


async def abulk_update():
    made = await Note.objects.acreate(title="t", body="old")
    made.body = CANARY
    await Note.objects.abulk_update([made], ["body"])


async def aupdate():
    await Note.objects.acreate(title="t", body="old")
    await Note.objects.aupdate(body=CANARY)


async def aget_or_create():
    await Note.objects.aget_or_create(title="t", defaults={"body": CANARY})


async def aupdate_or_create():
    await Note.objects.acreate(title="t", body="old")
    await Note.objects.aupdate_or_create(title="t", defaults={"body": CANARY})


@pytest.mark.parametrize(
    "write",
    [asave, acreate, abulk_create, abulk_update, aupdate, aget_or_create, aupdate_or_create],
)
def test_what_async_code_writes_is_sealed(write):
    run(write)
    found = Note.objects.get()
    assert (found.body, Cell(found, "body").text[:3]) == (CANARY, "e2:")


async def aget():
    return (await Note.objects.aget()).body


async def aiterate():
    async for each in Note.objects.all():
        return each.body
    return None


async def aiterator():
    async for each in Note.objects.aiterator():
        return each.body
    return None


async def avalues():
    return (await Note.objects.values("body").aget())["body"]


async def arefresh():
    found = await Note.objects.aget()
    found.body = "changed here"
    await found.arefresh_from_db()
    return found.body


async def afirst_deferred():
    found = await Note.objects.defer("body").afirst()
    return await sync_to_async(lambda: found.body)()


@pytest.mark.parametrize("read", [aget, aiterate, aiterator, avalues, arefresh, afirst_deferred])
def test_what_async_code_reads_is_plaintext(read):
    Note.objects.create(body=CANARY)
    assert run(read) == CANARY


def test_a_bound_attribute_is_read_in_async_code_without_a_query():
    owner = Account.objects.create(email="ann@example.com")
    BankConnection.objects.create(owner=owner, access_url=CANARY)

    async def read():
        return (await BankConnection.objects.aget()).access_url

    assert run(read) == CANARY


def test_a_bound_value_that_does_not_open_is_named_in_async_code():
    owner = Account.objects.create(email="ann@example.com")
    made = BankConnection.objects.create(owner=owner, access_url=CANARY)
    Cell(made, "access_url").text = break_text(Cell(made, "access_url").text, "flipped")

    async def read():
        return (await BankConnection.objects.aget()).access_url

    with pytest.raises(Tampered, match=r"testapp.BankConnection.access_url \(primary key"):
        run(read)


def test_the_first_use_of_the_keys_may_be_a_bound_attribute(unfixed):
    owner = Account.objects.create(email="ann@example.com")
    BankConnection.objects.create(owner=owner, access_url=CANARY)
    keys.forget()

    async def read():
        return (await BankConnection.objects.aget()).access_url

    assert run(read) == CANARY


def test_the_index_of_an_instance_is_no_error_in_async_code_before_the_keys_are_read(unfixed):
    keys.forget()

    async def read():
        return Account(email="ann@example.com").email_index

    assert run(read) is None


def test_a_look_up_finds_the_row_in_async_code():
    Account.objects.create(email="ann@example.com")

    async def find():
        return await Account.objects.aget(email="ANN@example.com")

    assert run(find).email == "ann@example.com"
