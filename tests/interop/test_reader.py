"""Reader modules: the promise of each, and how a path is refused."""

from __future__ import annotations

import pkgutil

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security import interop
from bt_security.interop import load_reader

pytestmark = pytest.mark.once

READERS = [
    "django_cryptography",
    "fernet_encrypted_fields",
    "fernet_fields",
    "trek",
    "trek_mfa",
]


@pytest.mark.parametrize("name", READERS)
def test_a_reader_offers_exactly_four_names(name):
    reader = load_reader(f"bt_security.interop.{name}")
    assert sorted(reader.__all__) == ["HAS_PREFIX", "NAME", "is_foreign", "open_foreign"]


def test_every_reader_module_is_listed():
    modules = [module.name for module in pkgutil.iter_modules(interop.__path__)]
    found = [name for name in modules if hasattr(getattr(interop, name, None), "HAS_PREFIX")]
    assert set(found) <= set(READERS) <= set(modules)


def test_only_treks_prefix_is_unambiguous():
    prefixed = [name for name in READERS if load_reader(f"bt_security.interop.{name}").HAS_PREFIX]
    assert prefixed == ["trek"]


@pytest.mark.parametrize(
    "dotted", ["", ".trek", "no_such_package.reader", "bt_security.interop.no_such_reader"]
)
def test_a_path_that_leads_nowhere_is_refused(dotted):
    with pytest.raises(ImproperlyConfigured, match="no foreign format"):
        load_reader(dotted)


def test_a_module_that_is_no_reader_is_refused_with_what_it_lacks():
    lacks = "NAME, HAS_PREFIX, is_foreign, open_foreign"
    with pytest.raises(ImproperlyConfigured, match=lacks):
        load_reader("bt_security.interop.fernet_token")
