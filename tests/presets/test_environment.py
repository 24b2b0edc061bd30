"""The environment variables of the presets: what is refused, and what they mean."""

from __future__ import annotations

import ast
from itertools import product

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security.presets import VARIABLES
from bt_security.presets.environment import read_environment
from tests.source_tree import PACKAGE, ROOT, package_modules, parse

pytestmark = pytest.mark.once

FLAGS = [
    *("HTTPS", "FORCE_HTTPS", "COOKIE_SECURE", "CSRF_HTTP_ONLY", "CSRF_SECURE"),
    *("ALLOW_INTERNAL_NETWORK", "HSTS_INCLUDE_SUBDOMAINS"),
]


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("text", ["maybe-secret-value", "2", "truee", "ja", "TRUE!"])
def test_a_word_that_is_no_boolean_is_refused_without_showing_it(name, text):
    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment({name: text})
    assert str(caught.value).startswith(f"{name} is refused")
    assert text not in str(caught.value)


@pytest.mark.parametrize("name", sorted(VARIABLES))
@pytest.mark.parametrize("text", ["", "  "])
def test_a_variable_that_is_set_to_nothing_is_refused(name, text):
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is empty"):
        read_environment({name: text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SESSION_LIFETIME_HOURS", "0"),
        ("SESSION_LIFETIME_HOURS", "-1"),
        ("SESSION_LIFETIME_HOURS", "1.5"),
        ("SESSION_LIFETIME_HOURS", "8761"),
        ("SESSION_LIFETIME_HOURS", "٧٢"),
        ("TRUST_PROXY", "true"),
        ("TRUST_PROXY", "-1"),
        ("TRUST_PROXY", "proxy.example"),
        ("TRUST_PROXY", "0.0.0.0/0"),
        ("TRUST_PROXY", "10.0.0.1/8"),
        ("TRUST_PROXY", "10.0.0.0/8,"),
        ("BASE_URL", "bills.example.com"),
        ("BASE_URL", "ftp://bills.example.com"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://[broken"),
        ("BASE_URL", "https://user:word@bills.example.com"),
        ("BASE_URL", "https://:word@bills.example.com"),
        ("CSRF_SAME_SITE", "strictest"),
        ("CSRF_COOKIE_NAME", "two words"),
        ("CSRF_COOKIE_NAME", "a;b"),
        ("CSRF_COOKIE_NAME", "a=b"),
        ("SINGLE_USER", "true"),
        ("SINGLE_USER", "1"),
    ],
)
def test_a_malformed_value_is_refused_without_showing_it(name, text):
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is refused: it takes ") as caught:
        read_environment({name: text})
    assert text not in str(caught.value).partition(": it takes ")[0]


def test_two_variables_that_contradict_each_other_are_refused():
    with pytest.raises(ImproperlyConfigured, match="FORCE_HTTPS is on and HTTPS is off"):
        read_environment({"FORCE_HTTPS": "true", "HTTPS": "false"})


@pytest.mark.parametrize("text", ["true", "1", "yes", "on", "TRUE", " On "])
def test_a_word_for_yes(text):
    assert read_environment({"HTTPS": text}).https is True


@pytest.mark.parametrize("text", ["false", "0", "no", "off", "False"])
def test_a_word_for_no(text):
    assert read_environment({"HTTPS": text}).https is False


@pytest.mark.parametrize(
    ("text", "read"),
    [("0", 0), ("2", 2), ("10.0.0.0/8, 192.0.2.1", ["10.0.0.0/8", "192.0.2.1"])],
)
def test_proxies_are_a_number_or_networks(text, read):
    assert read_environment({"TRUST_PROXY": text}).trust_proxy == read


@pytest.mark.parametrize(("text", "read"), [("alice", "alice"), ("off", ""), ("False", "")])
def test_the_single_user_is_a_name_or_switched_off(text, read):
    assert read_environment({"SINGLE_USER": text}).single_user == read


def test_the_scheme_of_the_base_url_is_read_in_any_case():
    read = read_environment({"BASE_URL": "HttpS://Bills.example/Path/"})
    assert read.base_url == "https://Bills.example/Path"


def test_a_refused_cookie_name_is_told_what_a_name_may_have():
    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment({"CSRF_COOKIE_NAME": "two words"})
    allowed = "!#$%&'*+.^_`|~-"
    assert f"letters, digits and {allowed}" in str(caught.value)
    assert read_environment({"CSRF_COOKIE_NAME": f"aZ9{allowed}"}).csrf_cookie_name


def test_the_session_secret_is_in_no_repr():
    read = read_environment({"SESSION_SECRET": "a-secret-of-more-than-32-characters-x"})
    assert "a-secret" not in repr(read)


CHOICES = {"true": True, "false": False, None: None}


@pytest.mark.feature("BT-12")
@pytest.mark.parametrize(("cookie_secure", "https"), list(product(CHOICES, CHOICES)))
def test_secure_is_decided_in_order(cookie_secure, https):
    """Secure follows `COOKIE_SECURE`, else `HTTPS`, else each request's own scheme."""
    given = {"COOKIE_SECURE": cookie_secure, "HTTPS": https}
    environ = {name: text for name, text in given.items() if text}
    expected = CHOICES[https] if cookie_secure is None else CHOICES[cookie_secure]
    assert read_environment(environ).is_secure is expected


@pytest.mark.feature("TC-08")
@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"BASE_URL": "https://bills.example"}, True),
        ({"BASE_URL": "HTTPS://bills.example"}, True),
        ({"BASE_URL": "http://bills.example/"}, False),
        ({"BASE_URL": "http://bills.example", "COOKIE_SECURE": "true"}, True),
        ({"BASE_URL": "https://bills.example", "COOKIE_SECURE": "false"}, False),
        ({"BASE_URL": "https://bills.example", "HTTPS": "false"}, False),
    ],
)
def test_the_scheme_of_the_base_url_decides_last(environ, expected):
    """Without another word the scheme of `BASE_URL` makes cookies Secure or not."""
    assert read_environment(environ).is_secure is expected


@pytest.mark.feature("TK-29")
def test_forced_https_makes_cookies_secure_unless_told_otherwise():
    """`FORCE_HTTPS` makes cookies Secure; `COOKIE_SECURE=false` is the way out."""
    assert read_environment({"FORCE_HTTPS": "on"}).is_secure is True
    assert read_environment({"FORCE_HTTPS": "on", "COOKIE_SECURE": "off"}).is_secure is False


def test_nothing_else_reads_the_environment():
    readers = {
        str(module.relative_to(PACKAGE))
        for module in package_modules()
        for node in ast.walk(parse(module))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")
    }
    # They hand it on to the processes that they start.
    readers -= {"audit/verification/workers.py", "rotation/online.py"}
    assert readers == {"conf/keys.py", "presets/adopt.py", "presets/strict.py"}


def test_the_docs_have_every_variable_and_its_meaning():
    page = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {meaning} |" for name, meaning in VARIABLES.items()]
    assert [row for row in rows if row not in page] == []
