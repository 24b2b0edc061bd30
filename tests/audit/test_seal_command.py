"""`manage.py seal_audit_log`: what it prints, its exit status, and the signing key."""

from __future__ import annotations

import json
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from bt_security.audit import spool
from bt_security.audit.seals import signing
from bt_security.models import AuditEntry, AuditSeal
from tests.audit.stored_rows import made_row, put

NAME = "seal_audit_log"


def run(*options):
    out = StringIO()
    call_command(NAME, *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def spool_dir(tmp_path, settings):
    settings.BT_SECURITY_AUDIT_SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


@pytest.fixture
def public_only(tmp_path, settings):
    file = tmp_path / "public.pem"
    file.write_text(signing.generate_key(tmp_path / "key.pem").public_pem())
    settings.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = str(file)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "says"),
    [((), "verifies and never seals"), (("--public-key",), "public keys only")],
)
def test_a_host_with_public_keys_only_fails(public_only, options, says):
    with pytest.raises(CommandError, match=says) as raised:
        run(*options)
    assert raised.value.returncode == 1


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", ["0", "-1"])
def test_watching_without_a_pause_is_refused(seconds):
    with pytest.raises(CommandError, match="above 0"):
        run(f"--watch={seconds}")


@pytest.mark.once
def test_a_key_file_that_exists_is_refused(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text("mine")
    with pytest.raises(CommandError, match="FileExistsError") as raised:
        run("--generate-key", str(file))
    assert (raised.value.returncode, file.read_text()) == (1, "mine")


@pytest.mark.django_db
def test_a_spooled_entry_that_is_not_of_this_log_is_set_aside(spool_dir):
    spool.keep([made_row(secret=b"another key")], why="test")
    assert "0 from the spool" in run("--no-progress")
    assert [file.suffix for file in spool_dir.iterdir()] == [".refused"]


@pytest.mark.django_db
def test_a_spooled_entry_whose_key_is_not_at_hand_waits(spool_dir, caplog):
    spool.keep([made_row()._replace(mac_generation=9)], why="test")
    put(1)
    assert "Sealed 1 entries" in run("--no-progress")
    assert "Spooled entries still wait: WrongKey." in caplog.messages
    assert len(spool.waiting()) == 1


@pytest.mark.django_db
def test_spooled_entries_are_stored_and_sealed(spool_dir):
    spool.keep([made_row(), made_row()], why="test")
    assert json.loads(run("--json")) == {
        "spooled": 2,
        "entries": 2,
        "seals": 1,
        "late": 0,
        "gaps": AuditEntry.objects.order_by("id")[0].pk - 1,
    }
    assert spool.waiting() == []


@pytest.mark.django_db
def test_a_spooled_entry_that_is_stored_already_is_stored_once(spool_dir):
    (stored,) = put(1)
    spool.keep([stored], why="test")
    assert json.loads(run("--json"))["spooled"] == 0
    assert (spool.waiting(), AuditEntry.objects.count()) == ([], 1)


@pytest.mark.django_db
def test_it_prints_what_was_sealed():
    put(2, 4)
    assert run("--no-progress") == (
        "Sealed 2 entries in 1 seals: 0 late, 2 ids not there, 0 from the spool.\n"
    )
    put(3)
    assert json.loads(run("--json")) == {
        "spooled": 0,
        "entries": 1,
        "seals": 1,
        "late": 1,
        "gaps": 0,
    }


@pytest.mark.django_db
def test_nothing_is_printed_where_nobody_wants_it(capsys):
    put(1)
    assert run("--verbosity=0") == ""
    assert capsys.readouterr() == ("", "")
    assert AuditSeal.objects.count() == 1


@pytest.mark.django_db
def test_it_counts_what_is_ahead_for_the_progress():
    put(1, 2)
    assert "Sealed 2 entries" in run()
    assert "Sealed 0 entries" in run()


@pytest.mark.django_db
def test_it_prints_the_public_key():
    assert run("--public-key") == signing.signer().public_pem()


@pytest.mark.once
def test_it_writes_a_new_key_and_prints_its_public_part(tmp_path, settings):
    file = tmp_path / "key.pem"
    printed = run("--generate-key", str(file))
    settings.BT_SECURITY_AUDIT_SIGNING_KEY_FILE = str(file)
    assert signing.signer().public_pem() == printed


class _Interrupted:
    """Stands for the pause between rounds and ends after so many of them."""

    def __init__(self, rounds):
        self.left = rounds

    def __call__(self, seconds):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.django_db
def test_watching_goes_on_after_a_failed_round(public_only, settings, monkeypatch, capsys):
    put(1)
    rounds = _Interrupted(2)

    def pause(seconds):
        settings.BT_SECURITY_AUDIT_PUBLIC_KEY_FILE = ""
        rounds(seconds)

    monkeypatch.setattr(time, "sleep", pause)
    assert "Sealed 1 entries in 1 seals" in run("--watch=1")
    assert "Not sealed: SealingRefused" in capsys.readouterr().err


@pytest.mark.django_db
def test_watching_says_nothing_while_nothing_happens(monkeypatch):
    monkeypatch.setattr(time, "sleep", _Interrupted(3))
    assert run("--watch=1") == ""
