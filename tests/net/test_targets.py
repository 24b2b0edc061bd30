"""Which places a fetch may connect to."""

from __future__ import annotations

import socket

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from bt_security.exceptions import FetchFailed, FetchRefused
from bt_security.net.targets import judge, resolve_by_system

pytestmark = pytest.mark.once

PUBLIC = "93.184.216.34"


def judged(host: str, *answers: str, port: str = ""):
    return judge(f"https://{host}{port}/", resolve=lambda name, port: answers)


@pytest.mark.feature("TK-21")
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::]",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "\uff11\uff12\uff17.0.0.1",
        "127。0。0。1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::5efe:7f00:1]",
        "[2606:4700::5efe:a00:1]",
        "[::7f00:1]",
        "169.254.169.254",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "[fc00::1]",
        "[::ffff:a00:1]",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[ff02::1]",
    ],
)
def test_a_literal_of_no_public_network_is_refused(host):
    """An address of a private, shared or reserved network is refused in every form it can be
    written."""
    with pytest.raises(FetchRefused):
        judged(host, PUBLIC)


@pytest.mark.feature("TK-21")
@pytest.mark.parametrize("answer", ["127.0.0.1", "::1", "::ffff:7f00:1", "10.0.0.1", "fd00::1"])
@pytest.mark.parametrize("before", [[], [PUBLIC], [PUBLIC, "2606:4700::1"]])
def test_one_bad_answer_refuses_the_name(before, answer):
    """One private address among the answers for a name refuses the name."""
    with pytest.raises(FetchRefused):
        judged("files.example.com", *before, answer)


@pytest.mark.feature("TK-21")
@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "nas.local", "metadata.google.internal", "LOCAL", "x.lan."]
)
def test_a_name_of_a_private_network_is_refused_without_asking(host):
    """A name that only a private network has is refused without asking a resolver."""
    with pytest.raises(FetchRefused, match="name of a private network"):
        judge(f"http://{host}/", resolve=None)


@pytest.mark.parametrize("answer", ["127.0.0.1", "169.254.169.254", "fe80::1", "64:ff9b::a00:1"])
def test_no_setting_opens_this_machine(settings, answer):
    settings.BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK = True
    settings.BT_SECURITY_NET_ALLOWED_TARGETS = ["files.example.com", "127.0.0.1", answer]
    with pytest.raises(FetchRefused, match="this machine"):
        judged("files.example.com", answer)


@pytest.mark.parametrize("host", ["files.example.com", "nas.local", "a.internal"])
def test_the_internal_network_can_be_allowed(settings, host):
    settings.BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK = True
    assert [str(found) for found in judged(host, "10.0.0.1", PUBLIC).addresses] == [
        "10.0.0.1",
        PUBLIC,
    ]


def test_a_reserved_network_is_not_internal(settings):
    settings.BT_SECURITY_NET_ALLOW_INTERNAL_NETWORK = True
    with pytest.raises(FetchRefused, match="reserved"):
        judged("files.example.com", "198.18.0.1")


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        ("nas.local", "nas.local", ""),
        ("NAS.local.", "nas.local", ":8080"),
        ("nas.local:8080", "nas.local", ":8080"),
        ("bücher.lan", "xn--bcher-kva.lan", ""),
        ("10.0.0.1", "10.0.0.1", ":8080"),
        ("10.0.0.1", "files.example.com", ""),
        ("10.0.0.1:443", "files.example.com", ""),
        ("10.0.0.0/8", "files.example.com", ""),
        ("fd00::1", "[fd00::1]", ""),
        ("[fd00::1]", "[fd00::1]", ""),
        ("[fd00::1]:8443", "[fd00::1]", ":8443"),
        ("fd00::/8", "[fd00::1]", ""),
    ],
)
def test_a_listed_place_is_allowed(settings, entry, host, port):
    settings.BT_SECURITY_NET_ALLOWED_TARGETS = [entry]
    assert judged(host, "10.0.0.1", port=port).addresses


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        ("nas.local:8080", "nas.local", ""),
        ("nas.local", "other.local", ""),
        ("nas.local", "x.nas.local", ""),
        ("10.0.0.1:8080", "files.example.com", ""),
        ("10.0.0.2", "files.example.com", ""),
        ("192.168.0.0/16", "files.example.com", ""),
    ],
)
def test_a_place_beside_the_listed_one_is_refused(settings, entry, host, port):
    settings.BT_SECURITY_NET_ALLOWED_TARGETS = [entry]
    with pytest.raises(FetchRefused, match="ALLOWED_TARGETS"):
        judged(host, "10.0.0.1", port=port)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "https://nas.local",
        "nas.local:0",
        "nas.local:99999",
        "nas.local:http",
        "nas..local",
        "n*s.local",
        "10.0.0.1/8",
        "0.0.0.0/0",
        "::/0",
        "[nas.local]",
        "[fd00::1",
        "::ffff:10.0.0.1",
    ],
)
def test_a_malformed_entry_is_refused(settings, entry):
    settings.BT_SECURITY_NET_ALLOWED_TARGETS = [entry]
    with pytest.raises(ImproperlyConfigured, match="BT_SECURITY_NET_ALLOWED_TARGETS"):
        judged("files.example.com", PUBLIC)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://files.example.com/", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("//files.example.com/", "only http and https"),
        ("files.example.com", "only http and https"),
        ("https:///path", "no host"),
        ("https://files.example.com:0/", "no port"),
        ("https://files.example.com:99999/", "malformed"),
        ("https://files.example.com:http/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://[fd00::1%25eth0]/", "no address|malformed"),
        ("https://user@files.example.com/", "credentials"),
        ("https://:pass@files.example.com/", "credentials"),
        ("https://files.example.com/a b", "white space"),
        ("https://files.example.com/\r\nHost: x", "white space"),
        ("https://files.example.com/\x7f", "white space"),
        ("https://files.example.com/\ud800", "malformed"),
        ("https://exa\\mple.com/", "malformed"),
        ("https://exa<mple.com/", "malformed"),
        ("https://a..example.com/", "malformed"),
        (f"https://{'a' * 64}.example.com/", "malformed"),
        (f"https://files.example.com/{'a' * 9_000}", "too long"),
    ],
)
def test_a_url_that_no_client_should_follow_is_refused(url, reason):
    with pytest.raises(FetchRefused, match=reason):
        judge(url, resolve=lambda name, port: [PUBLIC])


@pytest.mark.parametrize("answers", [[], ["nonsense"]])
def test_a_name_without_an_address_fails(answers):
    with pytest.raises(FetchFailed, match="does not resolve"):
        judged("files.example.com", *answers)


def test_a_name_that_is_unknown_fails():
    def resolve(name, port):
        raise socket.gaierror

    with pytest.raises(FetchFailed, match="does not resolve"):
        judge("https://files.example.com", resolve=resolve)


def test_no_message_holds_the_url_or_an_address():
    with pytest.raises(FetchRefused) as refusal:
        judged("secret-name.example.com", "10.9.8.7")
    assert "secret" not in str(refusal.value)
    assert "10.9" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "host", "authority", "path"),
    [
        ("https://Files.Example.com", "files.example.com", "files.example.com", "/"),
        ("https://files.example.com.:443/a?b=c#d", "files.example.com", None, "/a?b=c"),
        ("https://files.example.com:8443/%41ü", None, "files.example.com:8443", "/%41%C3%BC"),
        ("https://bücher.example/?q=ü", "xn--bcher-kva.example", None, "/?q=%C3%BC"),
        ("http://[2606:4700::1]:8080/", "2606:4700::1", "[2606:4700::1]:8080", "/"),
        ("http://8.8.8.8/", "8.8.8.8", "8.8.8.8", "/"),
    ],
)
def test_a_target_is_in_canonical_form(url, host, authority, path):
    target = judge(url, resolve=lambda name, port: [PUBLIC])
    assert host in {None, target.host}
    assert authority in {None, target.authority}
    assert target.path == path


def test_an_answer_with_a_zone_is_judged_without_it():
    with pytest.raises(FetchRefused, match="link-local"):
        judged("files.example.com", "fe80::1%eth0")


def test_the_system_is_asked_for_plain_addresses():
    assert {"127.0.0.1", "::1"} & set(resolve_by_system("localhost", 80))


@given(st.text(max_size=60))
def test_any_text_is_judged_or_refused(text):
    for url in (text, f"http://{text}", f"http://[{text}]/", f"https://files.example.com{text}"):
        try:
            judge(url, resolve=lambda name, port: [PUBLIC])
        except (FetchFailed, FetchRefused):
            continue
