"""What a mail about a log-in says, and what it does not."""

from __future__ import annotations

import logging
import re
import struct
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.core import mail
from django.utils import timezone
from django.utils.translation import trans_real

from bt_security import tokens
from bt_security.history.alerts import notify
from bt_security.models import UsedToken
from tests.history.alerting import (
    STRANGER,
    alert_site,
    committed,
    event_of,
    failed_factor,
    is_in,
    link,
    link_in,
    only_mail,
    owner,
    page_in,
    request_of,
    stranger,
    strangers_event,
    token_of,
)
from tests.history.conftest import PASSWORD
from tests.mail.backends import Breaking, use

__all__ = ["alert_site", "committed", "link", "owner", "stranger"]

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("alert_site")]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(params=[event_of, failed_factor], ids=["new device", "wrong factor"])
def told(request, user, committed):
    """Give a function that tells of an event with these values, and returns the mail."""
    event_of(user, happened_at=NOON - timedelta(days=30), is_new_device=False)

    def tell(*, asked=None, **fields):
        committed(notify, request.param(user, **fields), asked or request_of())
        return only_mail()

    return tell


def write_catalogue(file, words):
    """Write what msgfmt makes of a catalogue. Source: GNU gettext manual, section 10.3."""
    words = {"": "Content-Type: text/plain; charset=UTF-8\n", **words}
    pairs = [(key.encode(), words[key].encode()) for key in sorted(words)]
    start, tables, texts = 28 + 16 * len(pairs), [[], []], b""
    for column, table in enumerate(tables):
        for pair in pairs:
            table.append(struct.pack("<2I", len(pair[column]), start + len(texts)))
            texts += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    file.parent.mkdir(parents=True)
    file.write_bytes(head + b"".join(tables[0] + tables[1]) + texts)


def both_parts(sent):
    return sent.body, page_in(sent)


def test_it_says_when_and_with_which_browser(told):
    for text in both_parts(told(happened_at=NOON)):
        assert "Nov. 21, 2026, noon UTC +0000" in text
        assert "Firefox on Linux" in text


def test_the_time_is_that_of_the_site(alert_site, told):
    alert_site.TIME_ZONE = "Asia/Tokyo"
    with timezone.override("America/New_York"):
        sent = told(happened_at=NOON)
    for text in both_parts(sent):
        assert "Nov. 21, 2026, 9 p.m. JST +0900" in text


def test_a_browser_without_a_name_is_an_unknown_one(told):
    for text in both_parts(told(device_label="")):
        assert "Browser: unknown" in text


def test_the_link_is_in_both_parts_and_nothing_else_is_fetched_or_followed(told):
    sent = told()
    link = link_in(sent)
    page = page_in(sent)
    assert re.findall(r'(?:href|src|action|url\()="?([^"\s>]+)', page) == [link]
    assert not re.search(r"<(img|script|link|iframe|form|style|object)|style=|\son\w+=", page)


def test_the_link_is_good_for_a_week(told):
    claim = tokens.peek("login_alert", token_of(link_in(told())))
    left = claim.expires_at - timezone.now()
    assert timedelta(days=7) - left < timedelta(minutes=1)
    assert claim.max_uses == 1
    assert not UsedToken.objects.exists()


def test_the_token_says_which_event_and_no_more(stranger):
    claim = tokens.peek("login_alert", token_of(link_in(only_mail())))
    assert claim.data == {"event": str(strangers_event().uid)}


@pytest.mark.parametrize(
    ("base_url", "start", "site"),
    [
        ("", "https://localhost/own/account/not-me/?token=", "localhost"),
        (
            "https://a.example.com",
            "https://a.example.com/own/account/not-me/?token=",
            "a.example.com",
        ),
    ],
)
def test_the_link_begins_with_the_address_of_the_site(alert_site, told, base_url, start, site):
    alert_site.BT_SECURITY_SITE_BASE_URL = base_url
    request = request_of(HTTP_HOST="localhost", secure=True)
    sent = told(asked=request)
    assert link_in(sent).startswith(start)
    assert f" at {site}" in sent.subject


def test_a_host_of_somebody_elses_is_in_no_mail(told):
    sent = told(asked=request_of(HTTP_HOST="evil.example"))
    assert "evil" not in str(both_parts(sent)) + sent.subject
    for text in both_parts(sent):
        assert "open the site as you always do" in text
        assert "http" not in text


def test_a_site_without_the_page_has_no_link(alert_site, told):
    alert_site.ROOT_URLCONF = "tests.urls"
    sent = told()
    assert "server" not in sent.subject
    for text in both_parts(sent):
        assert "http" not in text


def test_it_is_in_the_language_of_the_account(told, monkeypatch):
    monkeypatch.setattr(get_user_model(), "language", "de", raising=False)
    sent = told(happened_at=NOON)
    assert '<html lang="de"' in page_in(sent)
    assert "When: 21. November 2026 12:00 UTC" in sent.body


def test_it_is_translated_where_the_site_has_the_words(alert_site, told, monkeypatch, tmp_path):
    german = {"This was not me": "Das war ich nicht", "When": "Wann"}
    write_catalogue(tmp_path / "de" / "LC_MESSAGES" / "django.mo", german)
    alert_site.LOCALE_PATHS = [tmp_path]
    monkeypatch.setattr(trans_real, "_translations", {})
    monkeypatch.setattr(get_user_model(), "language", "de", raising=False)
    sent = told(happened_at=NOON)
    assert "Wann: 21. November" in sent.body
    assert ">Das war ich nicht</a>" in page_in(sent)


def test_nothing_that_a_stranger_chooses_stands_in_it(stranger, user):
    sent = only_mail()
    message = sent.message().as_string() + str(both_parts(sent)) + sent.subject
    assert "Chrome on Windows" in sent.body
    for canary in ("canary", STRANGER["REMOTE_ADDR"], "Chrome/150", PASSWORD):
        assert canary not in message
    for text in (*both_parts(sent), sent.subject):
        assert user.email not in text


def test_a_hostile_label_begins_no_header_and_no_tag(told):
    sent = told(device_label="<b>x</b>\r\nBcc: eve@example.com")
    assert "<b>" not in page_in(sent)
    assert "&lt;b&gt;x&lt;/b&gt;" in page_in(sent)
    assert "eve" not in sent.subject
    assert sent.recipients() == sent.to


def test_a_hostile_name_is_in_no_mail(told, user, monkeypatch):
    hostile = "call\r\nBcc: eve@example.com <b>"
    monkeypatch.setattr(type(user), "get_username", lambda self: hostile)
    sent = told()
    assert "eve" not in str(both_parts(sent)) + sent.subject + str(sent.recipients())


def test_the_logs_know_neither_token_nor_address_nor_agent(owner, user, committed, caplog, request):
    with caplog.at_level(logging.DEBUG):
        request.getfixturevalue("stranger")
    sent = only_mail()
    kept = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    for canary in (token_of(link_in(sent)), STRANGER["REMOTE_ADDR"], "canary-agent", PASSWORD):
        assert canary not in kept


def test_a_failing_server_keeps_nobody_out(alert_site, owner, committed, caplog, request):
    use(alert_site, Breaking)
    client = request.getfixturevalue("stranger")
    assert is_in(client)
    assert mail.outbox == []
    assert "The mail new_device was not sent (RuntimeError)." in caplog.text
    assert "mary" not in caplog.text
    assert "token" not in caplog.text
