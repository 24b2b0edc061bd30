"""Rows of every class with values that are found again by a plain text search."""

from __future__ import annotations

import datetime
import decimal
import uuid

from tests.testapp import models

VALUES = {
    "text": "canary-text é\n<sealed>",
    "char": "canary-char",
    "email": "canary@example.com",
    "url": "https://canary.example.com/",
    "json": {"canary-json": [1, None, "x"]},
    "integer": 918273645,
    "float": 91827.3645,
    "decimal": decimal.Decimal("91827.364"),
    "boolean": True,
    "date": datetime.date(1918, 7, 23),
    "moment": datetime.datetime(1918, 7, 24, 6, 45, 9, 182736, tzinfo=datetime.UTC),
    "uuid": uuid.UUID("91827364-5918-4736-a591-827364591827"),
    "binary": b"canary-binary",
    "ip": "91.82.73.64",
}
CANARIES = [
    "canary",
    "918273645",
    "91827.36",
    "1918-07",
    "19:18",
    "P10628",
    "91827364-5918",
    "Y2FuYXJ5",
    "91.82.73.64",
]


def make_rows() -> list[object]:
    """Make one row of every model of the test app that has encrypted fields."""
    account = models.Account.objects.create_user("canary@example.com", is_staff=False)
    person = models.Person.objects.create(name="Canary", phone="918273645", code="canary", team="t")
    return [
        models.Everything.objects.create(**VALUES),
        models.Everything.objects.create(),
        models.OwnFields.objects.create(
            count=918273645,
            duration=datetime.timedelta(seconds=918273645),
            time=datetime.time(19, 18, 7),
        ),
        account,
        person,
        models.Note.objects.create(title="plain", body="canary"),
        models.BankConnection.objects.create(owner=account, access_url="canary"),
        models.Vault.objects.create(secret={"canary": 1}),
        models.Legacy.objects.create(token="canary", amount=918273645),
        models.Letter.objects.create(to="x", memo="canary"),
        models.ExpressParcel.objects.create(memo="canary", door_code="canary"),
        models.Wide.objects.create(c01="canary"),
    ]
