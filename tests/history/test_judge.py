"""The judge of timings tells equal from unequal, whatever the noise."""

from __future__ import annotations

import random
from time import sleep

import pytest

from tests.history.judge import are_alike, differ, gap, median_interval, timed_in_turns

pytestmark = pytest.mark.once


def noisy_pairs(factor, *, seed, count=400):
    """Pairs as of a busy machine: skewed, with outliers, and the first `factor` as slow."""
    chance = random.Random(seed)

    def once():
        outlier = 20.0 if chance.random() < 0.03 else 0.0
        return 1 + chance.lognormvariate(-3, 1) + outlier

    return [(factor * once(), once()) for _ in range(count)]


def test_the_interval_of_a_hundred_values_has_the_textbooks_ranks():
    low, high = median_interval(range(1, 101))
    assert (low, high) == (37, 64)


def test_the_order_of_the_values_does_not_matter():
    assert median_interval([5, 3, 9, 1, 7, 2, 8, 4, 6, 10]) == median_interval(range(1, 11))


def test_too_few_values_are_refused():
    with pytest.raises(ValueError, match="say nothing"):
        median_interval([1.0] * 7)


def test_the_interval_holds_the_median_nearly_always():
    chance = random.Random(7)
    missed = 0
    for _ in range(1_000):
        low, high = median_interval([chance.gauss(0, 1) for _ in range(100)])
        missed += not low <= 0 <= high
    assert missed <= 20


@pytest.mark.parametrize("seed", range(10))
def test_equal_times_are_alike(seed):
    assert are_alike(noisy_pairs(1.0, seed=seed), within=0.05)


@pytest.mark.parametrize("factor", [1.1, 0.9])
@pytest.mark.parametrize("seed", range(10))
def test_a_tenth_more_or_less_is_not(seed, factor):
    pairs = noisy_pairs(factor, seed=seed)
    assert not are_alike(pairs, within=0.05)
    assert differ(pairs)


def test_the_gap_is_a_share_of_the_second():
    low, high = gap([(3.0, 2.0)] * 20)
    assert low == high == 0.5


def test_turns_are_taken():
    calls = []
    pairs = timed_in_turns(lambda: calls.append("a"), lambda: calls.append("b"), count=3)
    assert calls == ["a", "b", "b", "a", "a", "b"]
    assert len(pairs) == 3


def test_the_times_are_of_the_right_one():
    assert all(a > b for a, b in timed_in_turns(lambda: sleep(0.01), lambda: None, count=8))
