"""Sets of ids as pairs of first and last, so that a jump of a trillion ids costs one pair."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Ranges:
    """An immutable set of whole numbers: ascending [first, last] pairs that never touch.

    Made by the class methods. Two sets with the same members are equal.
    """

    pairs: tuple[Pair, ...] = ()

    @classmethod
    def from_ids(cls, ids: Iterable[int]) -> Ranges:
        """Return the set of these numbers, in whatever order they come."""
        return cls.from_pairs((number, number) for number in sorted(ids))

    @classmethod
    def from_pairs(cls, pairs: Iterable[Pair]) -> Ranges:
        """Return the set of all numbers in these pairs; pairs may overlap, empty ones are left."""
        merged: list[Pair] = []
        for first, last in sorted(pairs):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            elif first <= last:
                merged.append((first, last))
        return cls(tuple(merged))

    @classmethod
    def missing(cls, ids: Sequence[int], *, after: int, last: int) -> Ranges:
        """Return what lacks between `after` (exclusive) and `last` (inclusive).

        `ids` ascend and lie in that range.
        """
        if len(ids) == last - after:
            return cls()
        steps = pairwise(chain((after,), ids, (last + 1,)))
        return cls(tuple((low + 1, high - 1) for low, high in steps if high - low > 1))

    @classmethod
    def parse(cls, text: str) -> Ranges:
        """Return the set that `dump` wrote.

        Raises:
            ValueError: any other text, however close.
        """
        try:
            ranges = cls(tuple((first, last) for first, last in json.loads(text)))
            is_canonical = ranges.dump() == text and ranges == cls.from_pairs(ranges.pairs)
        except (TypeError, ValueError, RecursionError):
            raise ValueError("not a list of ranges") from None
        if not is_canonical or not all(type(n) is int for pair in ranges.pairs for n in pair):
            raise ValueError("not a list of ranges")
        return ranges

    def dump(self) -> str:
        """Return the set as canonical JSON: a list of [first, last] pairs without spaces."""
        return json.dumps(self.pairs, separators=(",", ":"))

    def union(self, other: Ranges) -> Ranges:
        """Return what is in one or the other."""
        if not (self.pairs and other.pairs):
            return self if self.pairs else other
        return self.from_pairs((*self.pairs, *other.pairs))

    def minus(self, other: Ranges) -> Ranges:
        """Return what is in this one and not in the other."""
        return Ranges(tuple(_difference(self.pairs, other.pairs)))

    def count(self) -> int:
        """Return how many numbers there are."""
        return sum(last - first + 1 for first, last in self.pairs)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        place = bisect_right(self.pairs, number, key=_first) - 1
        return place >= 0 and number <= self.pairs[place][1]

    def __iter__(self) -> Iterator[Pair]:
        """Iterate over the pairs, never over the numbers."""
        return iter(self.pairs)

    def __bool__(self) -> bool:
        return bool(self.pairs)


def _first(pair: Pair) -> int:
    return pair[0]


def _difference(pairs: Sequence[Pair], taken: Sequence[Pair]) -> Iterator[Pair]:
    place = 0
    for first, last in pairs:
        while place < len(taken) and taken[place][1] < first:
            place += 1
        start, ahead = first, place
        while ahead < len(taken) and taken[ahead][0] <= last:
            if start < taken[ahead][0]:
                yield start, taken[ahead][0] - 1
            start = taken[ahead][1] + 1
            ahead += 1
        place = max(place, ahead - 1)
        if start <= last:
            yield start, last
