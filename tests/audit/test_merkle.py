"""Merkle trees against the published vectors, and proofs that prove nothing else."""

from __future__ import annotations

import hashlib

import pytest

from bt_security.audit.seals import merkle
from tests.vectors.files import load

pytestmark = pytest.mark.once

VECTORS = load("merkle.json")
LEAVES = [hashlib.sha256(b"\x00" + bytes.fromhex(data)).digest() for data in VECTORS["leaf_inputs"]]
PROVED = [(count, index) for count in range(1, 9) for index in range(count)]


def is_proved(path, *, leaf=LEAVES[2], index=2, count=7, expected_root=None):
    return merkle.is_proof(
        path,
        leaf=leaf,
        index=index,
        count=count,
        expected_root=expected_root or merkle.root(LEAVES[:count]),
    )


@pytest.fixture
def path():
    return merkle.proof(LEAVES[:7], 2)


def test_a_proof_does_not_prove_another_leaf(path):
    assert not is_proved(path, leaf=LEAVES[3])


def test_a_proof_does_not_prove_another_place(path):
    assert not is_proved(path, index=3)


@pytest.mark.parametrize("index", [-1, 7])
def test_a_proof_of_a_place_outside_of_the_tree_is_refused(path, index):
    assert not is_proved(path, index=index)


def test_a_proof_does_not_prove_another_root(path):
    assert not is_proved(path, expected_root=merkle.root(LEAVES))


def test_a_proof_that_is_too_short_is_refused(path):
    assert not is_proved(path[:-1])


def test_a_proof_that_is_too_long_is_refused(path):
    assert not is_proved([*path, LEAVES[0]])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_of_a_leaf_outside_of_the_tree(index):
    with pytest.raises(IndexError):
        merkle.proof(LEAVES[:3], index)


def test_the_root_of_nothing_is_that_of_the_standard():
    assert merkle.root([]).hex() == VECTORS["empty_root"]


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_are_those_of_the_standard(count):
    assert merkle.root(LEAVES[:count]).hex() == VECTORS["roots"][count - 1]


@pytest.mark.parametrize("case", VECTORS["proofs"])
def test_proofs_are_those_of_the_standard(case):
    path = merkle.proof(LEAVES[: case["count"]], case["index"])
    assert [value.hex() for value in path] == case["path"]


@pytest.mark.parametrize(("count", "index"), PROVED)
def test_every_proof_proves_its_leaf(count, index):
    path = merkle.proof(LEAVES[:count], index)
    assert is_proved(path, leaf=LEAVES[index], index=index, count=count)


def test_a_leaf_covers_id_hash_and_mac():
    by_hand = hashlib.sha256(b"\x00" + (7).to_bytes(8, "big") + b"h" * 32 + b"m" * 32).digest()
    assert merkle.leaf(7, b"h" * 32, b"m" * 32) == by_hand


def test_tags_are_the_beginnings_of_the_leaves():
    assert merkle.leaf_tags(LEAVES[:2]) == LEAVES[0][:4] + LEAVES[1][:4]
