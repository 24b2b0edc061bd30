"""One form for addresses, and how far each of them reaches."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_security.net.addresses import bucket, embedded_ipv4, is_public, parse_address, reach_of

pytestmark = pytest.mark.once

NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "::",
    "::1",
    "fe80::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:a00:1",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a00:1",
    "64:ff9b:1::c0a8:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "2001::1",
    "2001:db8::5efe:a00:1",
    "2606:4700::200:5efe:7f00:1",
]
PRIVATE = ["10.0.0.1", "100.64.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fd00::1"]
RESERVED = [
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "2001:2::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "64:ff9b:1::808:808",
    "100::1",
    "4000::1",
    "5f00::1",
    "fec0::1",
    "ff02::1",
    "::808:808",
]
PUBLIC = ["8.8.8.8", "172.32.0.1", "192.0.1.1", "198.20.0.1", "2606:4700::1111", "64:ff9b::808:808"]


@pytest.mark.feature("TK-21")
@pytest.mark.parametrize("text", NEVER)
def test_this_machine_its_link_and_metadata_are_never_reached(text):
    """Loopback, link-local and metadata addresses are never reached, in whatever form they are
    written."""
    assert reach_of(ip_address(text)) == "never"


@pytest.mark.parametrize(
    ("reach", "text"),
    [
        *(("private", text) for text in PRIVATE),
        *(("reserved", text) for text in RESERVED),
        *(("public", text) for text in PUBLIC),
    ],
)
def test_an_address_reaches_one_kind_of_network(reach, text):
    assert reach_of(ip_address(text)) == reach
    assert is_public(ip_address(text)) is (reach == "public")


def test_a_teredo_address_holds_its_server_and_its_client():
    embedded = embedded_ipv4(ip_address("2001:0:4136:e378:8000:63bf:3fff:fdd2"))
    assert [str(address) for address in embedded] == ["65.54.227.120", "192.0.2.45"]


def test_an_ipv4_address_holds_no_other():
    assert embedded_ipv4(ip_address("8.8.8.8")) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:8080", "192.0.2.1"),
        ("2001:DB8::0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:80", "192.0.2.1"),
    ],
)
def test_every_usual_form_is_read(text, address):
    assert str(parse_address(text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown",
        "_hidden",
        "localhost",
        "192.0.2",
        "192.0.2.1.5",
        "192.0.2.256",
        "192.0.2.01",
        "0x7f.0.0.1",
        "2130706433",
        "192.0.2.1:",
        "192.0.2.1:http",
        "192.0.2.1:٣",
        "192.0.2.1%eth0",
        "[192.0.2.1]",
        "[2001:db8::1",
        "[2001:db8::1]:",
        "[2001:db8::1]80",
        "[2001:db8::1]:8o",
        "2001:db8::1]",
        "for=192.0.2.1",
        '"192.0.2.1"',
    ],
)
def test_anything_else_is_no_address(text):
    assert parse_address(text) is None


@given(st.text(alphabet="0123456789abcdef.:[]%x ", max_size=50))
def test_a_parsed_address_is_read_the_same_again(text):
    address = parse_address(text)
    assert address is None or parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
    ],
)
def test_limits_count_ipv4_by_address_and_ipv6_by_its_64(address, counted):
    assert bucket(address) == counted
