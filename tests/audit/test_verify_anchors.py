"""Anchors: what they prove, and anchors that prove nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bt_security.models import AuditSeal
from bt_security.testing import fixed_key
from tests.audit._verify import (
    SEALS,
    anchor_file,
    make_log,
    rewrite,
    run,
    seal,
    tampering,
    verdict_of,
    without_keys,
    write,
)


@pytest.fixture(autouse=True)
def _own_keys(django_db_setup, django_db_blocker):
    with without_keys(django_db_blocker):
        yield


@pytest.fixture
def log(audit_on, db):
    with fixed_key():
        yield make_log()


@pytest.fixture
def anchors(log, tmp_path):
    return anchor_file(tmp_path / "anchors")


def changed(path: str, line: int, **columns) -> str:
    """Change one anchor of the file."""
    with open(path) as file:
        lines = [json.loads(text) for text in file]
    lines[line] |= columns
    with open(path, "w") as file:
        file.writelines(f"{json.dumps(columns)}\n" for columns in lines)
    return path


def test_an_anchor_that_nobody_signed_is_named(anchors):
    path = changed(anchors, 1, signature="AAAA")
    verdict = verdict_of(anchors=path)
    assert tampering(verdict) == {"ANCHOR FORGED": [2]}
    assert verdict.completeness == "tampered"


def test_an_anchor_under_a_number_that_is_not_there_is_not_a_cut_off_tail(anchors):
    assert tampering(verdict_of(anchors=changed(anchors, 2, seq=9))) == {"ANCHOR FORGED": [9]}


def test_an_anchor_under_the_number_of_an_older_seal_is_named_and_accuses_no_seal(anchors):
    path = changed(anchors, 2, seq=2)
    assert tampering(verdict_of(anchors=path)) == {"ANCHOR FORGED": [2]}


@pytest.mark.parametrize("position", [0, 3])
def test_a_second_line_under_another_number_is_named_wherever_it_stands(anchors, position):
    with open(anchors) as file:
        lines = file.readlines()
    lines.insert(position, lines[2].replace('"seq":3', '"seq":1'))
    with open(anchors, "w") as file:
        file.writelines(lines)
    verdict = verdict_of(anchors=anchors)
    assert tampering(verdict) == {"ANCHOR FORGED": [1]}
    assert verdict.anchored_seal == 3


def test_a_moved_anchor_takes_no_other_anchor_with_it(anchors):
    assert tampering(verdict_of(anchors=changed(anchors, 0, seq=3))) == {"ANCHOR FORGED": [3]}
    assert verdict_of(anchors=anchors).anchored_seal == 3


def test_an_anchor_of_another_history_rewrites_its_seal(log, anchors):
    rewrite(seal_2={"sealed_at": AuditSeal.objects.get(seq=2).sealed_at - timedelta(seconds=1)})
    assert tampering(verdict_of(anchors=anchors)) == {"HISTORY REWRITTEN": [2, 3]}


def test_a_line_that_is_no_anchor_is_named(anchors):
    path = changed(anchors, 1, head="zz")
    verdict = verdict_of(anchors=path)
    assert tampering(verdict) == {"ANCHOR FORGED": []}
    assert any("line 2" in finding.text for finding in verdict.findings)


def test_a_forged_seal_that_keeps_its_head_is_not_called_rewritten(log, anchors):
    run(f"UPDATE {SEALS} SET root = previous_head WHERE seq = 3")
    assert tampering(verdict_of(anchors=anchors)) == {"SEAL FORGED": [3]}


def test_a_head_that_is_no_bytes_is_rewritten_history(log, anchors):
    run(f"UPDATE {SEALS} SET head = '[[1' WHERE seq = 3")
    found = tampering(verdict_of(anchors=anchors))
    assert found == {"SEAL FORGED": [3], "HISTORY REWRITTEN": [3]}


def test_anchors_that_are_not_there_verify_nothing(log):
    with pytest.raises(FileNotFoundError):
        verdict_of(anchors="/no/such/file")


def test_a_log_that_is_anchored_to_its_end_is_clean(anchors):
    verdict = verdict_of(anchors=anchors)
    assert tampering(verdict) == {}
    assert verdict.is_clean
    assert verdict.anchored_seal == verdict.newest_seal == 3


def test_the_anchors_of_the_settings_are_used(anchors, settings):
    settings.BT_SECURITY_AUDIT_ANCHOR_FILE = anchors
    assert verdict_of().is_clean


def test_without_the_file_of_the_settings_the_end_is_not_provable(log, settings, tmp_path):
    settings.BT_SECURITY_AUDIT_ANCHOR_FILE = str(tmp_path / "lost")
    assert verdict_of().completeness == "not provable"


def test_a_young_seal_may_still_lack_its_anchor(anchors):
    write()
    seal()
    verdict = verdict_of(anchors=anchors)
    assert verdict.is_clean
    assert (verdict.anchored_seal, verdict.newest_seal) == (3, 4)


def test_old_seals_without_an_anchor_are_not_proved(anchors):
    write()
    fourth = seal()
    long_ago = {"sealed_at": fourth.sealed_at - timedelta(days=9)}
    assert AuditSeal.objects.filter(seq=4).exists()
    rewrite(seal_4=long_ago)
    verdict = verdict_of(anchors=anchors)
    assert verdict.completeness == "not provable"
    assert [str(one) for one in verdict.findings if "4: no anchor" in str(one)]
