"""Whether two things that were timed in turns take the same time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

Clock = Callable[[], float]

LEFT_OUT = 0.01 / 2
"""What may lie beyond each end of an interval that holds with 99 %."""


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the two values between which the median of their population is, with 99 %.

    They are order statistics, so nothing is assumed of the distribution: how many of the values
    lie below the median is binomial. Values are independent of each other; of pairs that were
    timed one after the other, take the differences.

    Raises:
        ValueError: there are fewer than eight values.

    Source: Conover, Practical Nonparametric Statistics, 3rd edition, section 3.2.
    """
    count, rank, below = len(values), 0, 0.0
    while (below := below + math.comb(count, rank) / 2**count) <= LEFT_OUT:
        rank += 1
    if rank == 0:
        raise ValueError(f"{count} values say nothing of a median with 99 %")
    ordered = sorted(values)
    return ordered[rank - 1], ordered[count - rank]


def gap(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return by how much the first of each pair takes longer, as shares of the second's median."""
    low, high = median_interval([first - second for first, second in pairs])
    usual = median(second for _, second in pairs)
    return low / usual, high / usual


def are_alike(pairs: Sequence[tuple[float, float]], *, within: float) -> bool:
    """Whether the first of each pair takes as long as the second, give or take a share."""
    low, high = gap(pairs)
    return -within <= low and high <= within


def differ(pairs: Sequence[tuple[float, float]]) -> bool:
    """Whether one of each pair takes longer than the other for certain."""
    low, high = gap(pairs)
    return low > 0 or high < 0


def timed_in_turns(
    first: Callable[[], object],
    second: Callable[[], object],
    *,
    count: int,
    clock: Clock = perf_counter,
) -> list[tuple[float, float]]:
    """Time both so many times; which of them comes first changes with every pair."""
    pairs = []
    for number in range(count):
        if number % 2:
            late, early = seconds(second, clock), seconds(first, clock)
            pairs.append((early, late))
        else:
            pairs.append((seconds(first, clock), seconds(second, clock)))
    return pairs


def seconds(function: Callable[[], object], clock: Clock = perf_counter) -> float:
    """Return how long a call took."""
    begun = clock()
    function()
    return clock() - begun
