"""Raw secrets are with their holders and nowhere else."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import sys

import django
import pytest
from django.core import serializers
from django.db import connection
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter

from bt_security import tokens
from bt_security.models import ApiToken, FeedToken, UsedToken
from bt_security.tokens import api, bearer, feeds, ledger

pytestmark = [pytest.mark.once, pytest.mark.django_db, pytest.mark.urls("tests.tokens.site")]


class Broken(Exception):
    """What a database does at the wrong moment."""


@pytest.fixture
def secrets(ann, browser):
    """One of each kind: all but the last part of each must be nowhere."""
    return {
        "signed": tokens.issue("password_reset", ann),
        "api": api.issue(ann, "script", scopes=["bills:read"]).secret,
        "feed": feeds.issue(ann, "calendar"),
    }


def pieces(secret):
    """Every window of 12 characters that is not the prefix which may be shown."""
    hidden = secret.rpartition("_")[2] if secret.startswith(("btk_", "btf_")) else secret
    hidden = hidden.rpartition(".")[2]  # the content of a signed token is no secret: its signature
    windows = {hidden[start : start + 12] for start in range(len(hidden) - 11)}
    encoded = base64.b64encode(hidden.encode()).decode()
    return windows | {encoded[:24], hidden.encode().hex()[:24]}


def assert_hidden(text, secrets):
    found = [kind for kind, secret in secrets.items() for p in pieces(secret) if p in text]
    assert found == []


def every_row():
    """What is in every table of the database, as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            yield from map(str, cursor.fetchall())


@pytest.mark.feature("BT-76")
def test_no_secret_is_in_the_database(secrets):
    """The database holds keyed digests of tokens and no window of 12 characters of one."""
    tokens.redeem("password_reset", secrets["signed"])
    api.verify(secrets["api"])
    rows = "\n".join(every_row())
    assert ApiToken.objects.get().digest in rows
    assert_hidden(rows, secrets)


def test_no_secret_is_in_a_repr_or_a_dump(ann, secrets):
    claim = tokens.peek("password_reset", secrets["signed"])
    issued = api.issue(ann, "other")
    claim.consume()
    objects = [*ApiToken.objects.all(), *FeedToken.objects.all(), *UsedToken.objects.all()]
    shown = [repr(claim), str(claim), repr(issued), str(issued)]
    shown += [serializers.serialize("json", objects), *(f"{each!r} {each}" for each in objects)]
    assert_hidden("\n".join(shown), {**secrets, "other": issued.secret})


def test_the_address_of_an_invited_person_is_not_in_a_repr():
    claim = tokens.peek("invite", tokens.issue("invite", "bob@example.com", data={"of": "eve"}))
    assert "bob" not in repr(claim)
    assert "eve" not in repr(claim)


def test_no_secret_is_reported_or_logged(secrets, events, caplog, client):
    with caplog.at_level(logging.DEBUG):
        client.get("/verify", {"token": secrets["signed"]})
        client.get("/reset", {"token": secrets["signed"]})
        client.post("/verify", {"token": secrets["signed"]})
        client.get("/bills", HTTP_AUTHORIZATION=f"Bearer {secrets['api']}")
        client.get("/bills", HTTP_AUTHORIZATION=f"Bearer {secrets['api']}x")
        tokens.redeem("password_reset", secrets["signed"])
    assert_hidden(json.dumps(events) + caplog.text, secrets)
    assert len(events) == 3


def test_a_refusal_holds_its_reason_and_nothing_else(secrets):
    with pytest.raises(tokens.TokenRefused) as caught:
        tokens.peek("invite", secrets["signed"])
    error = caught.value
    assert (error.args, error.__cause__, error.__suppress_context__) == (("signature",), None, True)
    assert pickle.loads(pickle.dumps(error)).reason == "signature"


def mails(action):
    """Return the error mails, as text and as page, about the error that `action` raises.

    Without the frames of the test itself, which hold the secrets.
    """
    try:
        action()
    except (Broken, tokens.TokenRefused) as error:
        traceback = error.__traceback__
        while traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        reporter = ExceptionReporter(None, type(error), error, traceback, is_email=True)
        return reporter.get_traceback_html() + reporter.get_traceback_text()
    raise AssertionError("nothing was raised")


ACTIONS = {
    "peek": lambda secrets: tokens.peek("password_reset", secrets["signed"]),
    "redeem": lambda secrets: tokens.redeem("password_reset", secrets["signed"]),
    "other purpose": lambda secrets: tokens.peek("invite", secrets["signed"]),
    "api": lambda secrets: api.verify(secrets["api"]),
    "judge": lambda secrets: bearer.judge(RequestFactory().get("/"), secrets["api"], ""),
    "feed": lambda secrets: feeds.resolve("calendar", secrets["feed"]),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_no_secret_is_in_an_error_mail(settings, secrets, monkeypatch, action):
    settings.BT_SECURITY_TOKENS_BEARER = True

    def fail(*args, **kwargs):
        raise Broken

    monkeypatch.setattr(ledger, "require_unused", fail)
    monkeypatch.setattr(api, "keyed_digests", fail)
    monkeypatch.setattr(feeds, "keyed_digests", fail)
    assert_hidden(mails(lambda: ACTIONS[action](secrets)), secrets)


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_error_mail_about_a_page_shows_no_token(
    settings, secrets, monkeypatch, mailoutbox, method
):
    def fail(*args, **kwargs):
        raise Broken

    address = "ann@example.com"
    settings.ADMINS = [address if django.VERSION >= (6,) else ("Ann", address)]
    monkeypatch.setattr(ledger, "require_unused", fail)
    mailer = logging.getLogger("django")
    handler = logging.getHandlerByName("mail_admins") if sys.version_info >= (3, 12) else None
    handler = handler or next(each for each in mailer.handlers if hasattr(each, "include_html"))
    monkeypatch.setattr(handler, "include_html", True)
    client = Client(raise_request_exception=False)
    answer = getattr(client, method)("/reset", {"token": secrets["signed"]})
    assert answer.status_code == 500
    (mail,) = mailoutbox
    assert_hidden(mail.body + str(mail.alternatives), secrets)


@pytest.mark.feature("BD-16")
def test_the_cause_of_an_error_is_not_in_the_answer(settings, secrets, monkeypatch):
    """An internal error on the page behind a link tells its visitor nothing of the cause."""

    def fail(*args, **kwargs):
        raise Broken("canary-of-the-cause")

    monkeypatch.setattr(ledger, "require_unused", fail)
    client = Client(raise_request_exception=False)
    answer = client.get("/reset", {"token": secrets["signed"]})
    assert answer.status_code == 500
    assert b"canary" not in answer.content
