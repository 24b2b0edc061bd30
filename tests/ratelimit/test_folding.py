"""Which log-in names share a budget."""

from __future__ import annotations

import pytest

from bt_security.ratelimit.folding import folded

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stra\u00dfe", "strasse"),  # utf8mb4_unicode_ci
        ("stra\u00dfe", "strase"),  # utf8mb4_general_ci
        ("\u00c6gir", "aegir"),
        ("\u00de\u00f3r\u00f0r", "thordr"),
        ("\u0131l", "il"),
        ("user\u0661", "user1"),
    ],
)
def test_letters_that_a_database_takes_as_equal_are(one, other):
    assert folded(one) == folded(other)


def test_names_of_another_script_are_kept_apart():
    assert (
        len(
            {
                folded(name)
                for name in (
                    "\u0438\u0432\u0430\u043d",
                    "\u043e\u043b\u0435\u0433",
                    "\u738b",
                    "\u674e",
                    "user1",
                    "user2",
                )
            }
        )
        == 6
    )


def test_a_name_of_megabytes_is_cut_before_it_is_folded():
    assert len(folded("\ufdfa" * 5_000_000)) < 10_000
