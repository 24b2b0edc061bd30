"""Mails go out after the commit, in the recipient's language, and their failure stops nothing."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from email import message_from_bytes
from types import SimpleNamespace

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone, translation

from bt_security.mail import language_of, send_later
from tests.mail.backends import Breaking, use
from tests.mail.templates_of_site import NOTE, PAGE, SUBJECT, TEXT, with_templates

pytestmark = pytest.mark.once
ADDRESS = "canary-address@example.com"
WHEN = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _note(settings):
    settings.LANGUAGES = [("en", "English"), ("de", "German")]
    with_templates(settings, NOTE)


def send(name="Ann", *, to=ADDRESS, **options):
    send_later(to=to, template="note", context={"name": name, "when": WHEN}, **options)


@pytest.mark.django_db(transaction=True)
def test_a_mail_waits_for_the_commit():
    with transaction.atomic():
        send()
        assert mail.outbox == []
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_a_rollback_sends_none():
    with transaction.atomic():
        send()
        transaction.set_rollback(True)
    assert mail.outbox == []


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_it_goes_at_once():
    send()
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_it_waits_for_the_transaction_of_the_named_database():
    with transaction.atomic(using="other"):
        send()
        assert len(mail.outbox) == 1
        send(using="other")
        assert len(mail.outbox) == 1
    assert len(mail.outbox) == 2


@pytest.mark.django_db(transaction=True)
def test_a_mail_is_text_and_page_to_one_address_and_wants_no_answer_of_machines():
    send()
    (sent,) = mail.outbox
    assert sent.to == [ADDRESS]
    assert sent.recipients() == [ADDRESS]
    message = message_from_bytes(sent.message().as_bytes())
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.django_db(transaction=True)
def test_the_subject_is_one_line_whatever_stands_in_it():
    send("Ann\r\nBcc: eve@example.com\u2028X-Evil: 1\x0b\x85")
    (sent,) = mail.outbox
    assert sent.subject == "A note for Ann Bcc: eve@example.com X-Evil: 1"
    message = message_from_bytes(sent.message().as_bytes())
    assert message["Bcc"] is message["X-Evil"] is None


@pytest.mark.django_db(transaction=True)
def test_the_page_escapes_what_the_text_shows_as_it_is():
    send("<script>alert(1)</script>&")
    (sent,) = mail.outbox
    assert sent.body.startswith("<script>alert(1)</script>& ")
    assert sent.alternatives[0][0] == "<p>&lt;script&gt;alert(1)&lt;/script&gt;&amp;</p>"


@pytest.mark.parametrize(
    ("language", "spoken"),
    [
        ("de", "de"),
        ("de_AT", "de"),
        ("DE", "de"),
        ("", "en-us"),
        ("xx", "en-us"),
        ("../de", "en-us"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_a_mail_is_in_the_language_of_its_recipient(language, spoken):
    with translation.override("de"):  # of the request: that of whoever sends it
        send(language=language)
    assert mail.outbox[0].body.split()[1] == spoken


@pytest.mark.django_db(transaction=True)
def test_times_are_those_of_the_site(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    with timezone.override("America/New_York"):
        send()
    assert mail.outbox[0].body.endswith("21:00 JST")


@pytest.mark.parametrize(
    ("user", "language"),
    [
        (SimpleNamespace(), ""),
        (SimpleNamespace(language="de"), "de"),
        (SimpleNamespace(language=None, locale="fr_FR"), "fr_FR"),
        (SimpleNamespace(language=lambda: "de", preferred_language="nl"), "nl"),
    ],
)
def test_the_language_of_a_user_is_what_the_model_knows(user, language):
    assert language_of(user) == language


@pytest.mark.django_db(transaction=True)
def test_a_failing_server_stops_nothing_and_is_logged_without_the_mail(settings, caplog):
    use(settings, Breaking)
    with caplog.at_level(logging.DEBUG), transaction.atomic():
        send("canary-name")
    (record,) = [each for each in caplog.records if each.name.startswith("bt_security")]
    assert record.getMessage() == "The mail note was not sent (RuntimeError)."
    assert record.exc_info is None
    assert "canary" not in caplog.text


@pytest.mark.parametrize("name", [SUBJECT, TEXT, PAGE])
@pytest.mark.django_db(transaction=True)
def test_a_broken_template_stops_nothing(settings, caplog, name):
    with_templates(settings, {**NOTE, name: "{% nothing %}"})
    send("canary-name")
    assert "was not sent (TemplateSyntaxError)" in caplog.text
    assert mail.outbox == []


@pytest.mark.parametrize("address", ["a@example.com\nBcc: b@example.com", ""])
@pytest.mark.django_db(transaction=True)
def test_an_address_that_is_none_reaches_nobody(caplog, address):
    send(to=address)
    assert mail.outbox == []
    assert "example.com" not in caplog.text
