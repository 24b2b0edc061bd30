"""Legal holds stop pruning at the first seal that has a held entry."""

from __future__ import annotations

import pytest

from bt_security.audit.retention.pruning import look, prune
from tests.audit._retain import ENTRY, EVENING, left, now, run, sealed, start_clean
from tests.audit.stored_rows import put


@pytest.fixture
def clean(log):
    start_clean()


@pytest.fixture
def three(clean):
    """Three seals of that morning, and nothing unsealed."""
    return sealed(1, 2, 3), sealed(4, 5, 6), sealed(7, 8, 9)


def hold(settings, *numbers):
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["tenant:held"]
    listed = ", ".join(map(str, numbers))
    run(f"UPDATE {ENTRY} SET tenant = 'held' WHERE id IN ({listed})")


@pytest.mark.parametrize(
    ("held", "seal_number", "kept"),
    [((9,), 3, [7, 8, 9]), ((5, 9), 2, [4, 5, 6, 7, 8, 9]), ((1,), 1, list(range(1, 10)))],
)
def test_nothing_from_a_held_seal_on_is_pruned(three, settings, held, seal_number, kept):
    hold(settings, *held)
    assert prune(before=EVENING).held_seq == seal_number
    assert left() == kept


def test_a_held_entry_that_came_late_holds_the_seal_that_has_it(clean, settings):
    """Its id lies in the range of seal 1; the second held entry is in seal 2."""
    sealed(1, 3)
    sealed(4, 5)
    put(2)
    sealed(6, 7)
    hold(settings, 2)
    assert look(EVENING).held_seq == 3
    hold(settings, 4)
    assert look(EVENING).held_seq == 2


def test_a_late_entry_from_before_the_run_is_held_as_well(clean, settings):
    sealed(1, 3)
    prune(before=EVENING)
    sealed(100, 101)
    put(2)
    sealed(102)
    hold(settings, 2)
    assert look(now()).held_seq == 3


def test_an_unsealed_entry_holds_nothing(clean, settings):
    sealed(1, 3)
    put(2)
    hold(settings, 2)
    assert look(EVENING).held_seq == 0


def test_a_hold_on_nobody_here_keeps_nothing(three, settings):
    settings.BT_SECURITY_AUDIT_LEGAL_HOLDS = ["tenant:nobody"]
    assert prune(before=EVENING).deleted == 9
