"""Heads outside of the database: where they go, what is read again, what a failure costs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from datetime import UTC, datetime

import pytest

from bt_security.audit.seals import anchors, sealing, signing
from bt_security.audit.seals.heads import statement
from bt_security.exceptions import SealingRefused
from bt_security.models import AuditSeal
from tests.audit.stored_rows import put
from tests.net.loopback import Network, Server, answer, redirect

pytestmark = pytest.mark.django_db

URL = "http://files.example.com/anchors"
LOGGER = "bt_security.audit.anchor"
MOMENT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def sealed(django_capture_on_commit_callbacks):
    """Return a function that puts an entry under each id and seals it by itself."""

    def seal(*ids):
        made = []
        for entry_id in ids:
            put(entry_id)
            with django_capture_on_commit_callbacks(execute=True):
                made += sealing.seal()
        return made

    return seal


@pytest.fixture
def file(tmp_path, settings):
    path = tmp_path / "anchors.jsonl"
    settings.BT_SECURITY_AUDIT_ANCHOR_FILE = str(path)
    return path


@pytest.fixture
def serve(settings, monkeypatch):
    """Let the address of the settings answer like this; the server has the requests."""
    network = Network()
    settings.BT_SECURITY_AUDIT_ANCHOR_URL = URL
    monkeypatch.setattr(anchors, "safe_fetch", network.fetch)
    with contextlib.ExitStack() as stack:

        def start(*answers):
            network.everywhere = stack.enter_context(Server(*answers))
            return network.everywhere

        yield start
    anchors._unsent.clear()


def posted(server):
    return [json.loads(request.partition(b"\r\n\r\n")[2])["seq"] for request in server.requests]


def numbers(path):
    return [anchor.seq for anchor in anchors.read(path)]


def line(**changed):
    columns = {
        "seq": 1,
        "head": "ab" * 32,
        "signature": "AAAA",
        "signing_key": "0123456789abcdef",
        "sealed_at": "2026-05-04T09:30:00+00:00",
    }
    return json.dumps(columns | changed)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "7",
        "no JSON",
        line(seq="1"),
        line(seq=True),
        line(head="abcd"),
        line(head="zz" * 32),
        line(head=None),
        line(signature="?"),
        line(signing_key=7),
        line(sealed_at="yesterday"),
        line(sealed_at=5),
    ],
)
def test_a_line_that_is_no_anchor_is_refused(tmp_path, text):
    path = tmp_path / "anchors.jsonl"
    path.write_text(f"{line()}\n{text}\n")
    with pytest.raises(ValueError, match="line 2 is no anchor"):
        anchors.read(path)


def test_a_file_that_is_not_there_is_an_error_for_a_reader(tmp_path):
    with pytest.raises(FileNotFoundError):
        anchors.read(tmp_path / "nothing.jsonl")


def test_nothing_is_sealed_when_the_anchored_seal_is_gone(sealed, file):
    sealed(1, 2)
    AuditSeal.objects.filter(seq=2).delete()
    with pytest.raises(SealingRefused, match="seal 2 was anchored"):
        sealed(3)


def test_nothing_is_sealed_when_the_anchored_seal_was_another(sealed, file):
    sealed(1)
    file.write_text(f"{line()}\n")
    with pytest.raises(SealingRefused, match="seal 1 was anchored"):
        sealed(2)


def test_an_anchor_file_that_cannot_be_read_keeps_nothing_from_being_sealed(sealed, file, caplog):
    file.write_text("not an anchor\n")
    assert len(sealed(1)) == 1
    assert "The anchor file cannot be read: ValueError." in caplog.messages
    assert "Seal 1 is not in the anchor file: ValueError." in caplog.messages
    assert file.read_text() == "not an anchor\n"


def test_a_file_that_cannot_be_written_undoes_no_seal_and_is_caught_up(
    sealed, settings, tmp_path, caplog
):
    settings.BT_SECURITY_AUDIT_ANCHOR_FILE = str(tmp_path / "missing" / "anchors.jsonl")
    assert len(sealed(1, 2)) == 2
    assert "Seal 2 is not in the anchor file: FileNotFoundError." in caplog.messages
    (tmp_path / "missing").mkdir()
    sealed(3)
    assert numbers(settings.BT_SECURITY_AUDIT_ANCHOR_FILE) == [1, 2, 3]


@pytest.mark.parametrize("status", ["500 No", "400 No"])
def test_an_address_that_refuses_undoes_no_seal_and_is_caught_up(sealed, serve, caplog, status):
    server = serve(answer(status=status), answer())
    assert len(sealed(1)) == 1
    assert f"Seal 1 is not at the anchor address: status {status[:3]}." in caplog.messages
    sealed(2)
    assert posted(server) == [1, 1, 2]


def test_an_address_that_does_not_answer_is_logged(sealed, serve, caplog):
    assert len(sealed(1)) == 1
    assert "Seal 1 is not at the anchor address: FetchFailed." in caplog.messages


def test_an_anchor_follows_no_redirect(sealed, serve, caplog):
    server = serve(redirect("http://other.example.com/"))
    sealed(1)
    assert len(server.requests) == 1
    assert "Seal 1 is not at the anchor address: FetchFailed." in caplog.messages


def test_an_address_inside_is_refused(sealed, settings, caplog):
    settings.BT_SECURITY_AUDIT_ANCHOR_URL = "http://127.0.0.1/anchors"
    assert len(sealed(1)) == 1
    assert "Seal 1 is not at the anchor address: FetchRefused." in caplog.messages
    anchors._unsent.clear()


def test_a_seal_that_is_rolled_back_is_not_anchored(
    file, caplog, django_capture_on_commit_callbacks
):
    caplog.set_level(logging.INFO, LOGGER)
    put(1)
    with django_capture_on_commit_callbacks(execute=False):
        sealing.seal()
    assert not file.exists()
    assert caplog.messages == []


def test_every_head_stands_in_the_log_file(sealed, caplog):
    caplog.set_level(logging.INFO, LOGGER)
    (made,) = sealed(1)
    (record,) = [record for record in caplog.records if record.name == LOGGER]
    assert anchors.Anchor.from_json(record.getMessage()) == anchors.Anchor.of(made)


def test_an_anchor_is_verified_by_the_public_key_alone(sealed, file):
    sealed(1)
    (anchor,) = anchors.read(file)
    trusted = signing.trusted_keys()
    assert trusted.is_signed(
        statement(anchor.head), key_id=anchor.signing_key, signature=anchor.signature
    )


def test_the_file_gets_a_line_for_each_seal(sealed, file):
    sealed(1, 2, 3)
    assert numbers(file) == [1, 2, 3]
    assert anchors.newest().seq == 3
    assert file.stat().st_mode & 0o007 == 0


def test_a_new_file_gets_all_former_seals(sealed, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(anchors, "LINES_PER_WRITE", 2)
    sealed(1, 2)
    settings.BT_SECURITY_AUDIT_ANCHOR_FILE = str(tmp_path / "anchors.jsonl")
    sealed(3)
    assert numbers(settings.BT_SECURITY_AUDIT_ANCHOR_FILE) == [1, 2, 3]


def test_a_torn_line_is_left_out_and_its_anchor_written_again(sealed, file):
    sealed(1, 2)
    file.write_text(file.read_text()[:-40])
    assert numbers(file) == [1]
    sealed(3)
    assert numbers(file) == [1, 2, 3]


def test_an_anchor_that_stands_there_twice_is_read_once(sealed, file):
    sealed(1)
    file.write_text(file.read_text() * 2)
    assert numbers(file) == [1]


def test_a_seal_that_another_process_has_anchored_is_not_written_again(sealed, file):
    (made,) = sealed(1)
    anchors.publish(made)
    assert len(file.read_text().splitlines()) == 1


def test_only_the_end_of_a_long_file_is_read(sealed, file, monkeypatch):
    sealed(1, 2, 3)
    monkeypatch.setattr(anchors, "TAIL_BYTES", 500)
    file.write_text("x" * 600 + "\n" + file.read_text().splitlines()[2] + "\n")
    assert anchors.newest().seq == 3
    assert os.path.getsize(file) > 500


def test_without_a_file_there_is_no_newest_anchor():
    assert anchors.newest() is None


def test_the_address_gets_the_anchor_as_json(sealed, serve):
    server = serve(answer(status="204 No Content"))
    (made,) = sealed(1)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /anchors ")
    assert b"Content-Type: application/json" in head
    assert anchors.Anchor.from_json(body.decode()) == anchors.Anchor.of(made)
