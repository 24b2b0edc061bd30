"""Sets of ids as pairs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_security.audit.seals.ranges import Ranges

pytestmark = pytest.mark.once

TRILLION = 10**12
SOME_IDS = st.sets(st.integers(min_value=-5, max_value=40))


def numbers(ranges):
    return {number for first, last in ranges for number in range(first, last + 1)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "7",
        "{}",
        "[1,2]",
        "[[1]]",
        "[[1,2,3]]",
        "[[2,1]]",
        "[[1,2],[3,4]]",
        "[[5,6],[1,2]]",
        "[[1, 2]]",
        "[[1.0,2]]",
        "[[true,2]]",
        '[["1","2"]]',
        "[[1,2]]\n",
        "[" * 100_000,
    ],
)
def test_a_text_that_is_not_canonical_is_refused(text):
    with pytest.raises(ValueError, match="not a list of ranges"):
        Ranges.parse(text)


def test_an_empty_set_is_an_empty_list():
    assert Ranges().dump() == "[]"
    assert Ranges.parse("[]") == Ranges()
    assert not Ranges()


def test_neighbours_become_one_pair():
    assert Ranges.from_ids([3, 1, 2, 7]).dump() == "[[1,3],[7,7]]"


def test_overlapping_and_empty_pairs_are_merged():
    assert Ranges.from_pairs([(4, 9), (1, 4), (20, 19), (3, 5)]).pairs == ((1, 9),)


def test_a_jump_of_a_trillion_ids_is_one_pair():
    gaps = Ranges.missing([1, TRILLION], after=0, last=TRILLION)
    assert gaps.pairs == ((2, TRILLION - 1),)
    assert gaps.count() == TRILLION - 2
    assert TRILLION // 2 in gaps
    assert gaps.minus(Ranges.from_ids([5])).count() == TRILLION - 3


def test_something_else_than_a_number_is_in_no_set():
    assert "1" not in Ranges.from_ids([1])


@given(SOME_IDS, SOME_IDS)
def test_sets_behave_as_sets_of_numbers(one, other):
    left, right = Ranges.from_ids(one), Ranges.from_ids(other)
    assert numbers(left.union(right)) == one | other
    assert numbers(left.minus(right)) == one - other
    assert left.count() == len(one)
    assert {number for number in range(-6, 42) if number in left} == one
    assert left.union(right) == Ranges.from_ids(one | other)
    assert left.minus(right) == Ranges.from_ids(one - other)


@given(SOME_IDS)
def test_what_was_written_is_read_again(ids):
    ranges = Ranges.from_ids(ids)
    assert Ranges.parse(ranges.dump()) == ranges


@given(st.sets(st.integers(min_value=1, max_value=30)))
def test_what_is_missing_is_the_rest_of_the_range(ids):
    missing = Ranges.missing(sorted(ids), after=0, last=30)
    assert numbers(missing) == set(range(1, 31)) - ids
