"""Personal data in few bytes, and nothing else that looks like it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_security.audit.packing import MAX_UNPACKED_BYTES, pack, unpack

pytestmark = pytest.mark.once

BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
]


@given(st.dictionaries(st.text(), st.text()))
def test_what_is_packed_is_unpacked(data):
    assert unpack(pack(data)) == data


@pytest.mark.parametrize("agent", BROWSERS)
def test_usual_data_take_less_than_half(agent):
    data = {"address": "203.0.113.57", "agent": agent, "label": "mary.smith@example.com"}
    assert len(pack(data)) < len(json.dumps(data)) / 2


@pytest.mark.parametrize("change", [b"", b"\xff\xff\xff", b"{}"])
def test_what_is_no_packed_data_is_refused(change):
    with pytest.raises(ValueError, match="packed data"):
        unpack(change)


def test_data_that_is_cut_short_is_refused():
    with pytest.raises(ValueError, match="cut short"):
        unpack(pack({"address": "192.0.2.1"})[:-1])


def test_data_that_would_fill_the_memory_is_refused():
    with pytest.raises(ValueError, match="too large"):
        unpack(pack({"x": "y" * (2 * MAX_UNPACKED_BYTES)}))
