"""Declared settings: read live, judged when read, defaults copied."""

from __future__ import annotations

from http import HTTPStatus

import pytest
from django.core.exceptions import ImproperlyConfigured

from bt_security.conf import Section, setting

pytestmark = pytest.mark.once


class Inner(Section, prefix="PROBE_INNER"):
    kept_days = setting(30, minimum=1, maximum=90, help="Days.")


class Probe(Section, prefix="PROBE"):
    count = setting(3, help="Any number.")
    low = setting(3, minimum=0, help="Not negative.")
    high = setting(3, maximum=9, help="Not too many.")
    flag = setting(True, help="On or off.")
    name = setting("default", help="A name.")
    colour = setting("red", choices=["red", "green"], help="A colour.")
    colours = setting(["red"], shape=list[str], choices=["red", "green"], help="Colours.")
    formats = setting({"a": ["b"]}, shape=dict[str, list[str]], help="Formats by column.")
    either = setting(1, shape=int | list[str], minimum=0, help="A number or names.")
    pin = setting("", secret=True, help="A secret.")
    inner = Inner()


probe = Probe()


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("COUNT", "3", "str"),
        ("COUNT", True, "bool"),
        ("COUNT", None, "NoneType"),
        ("COUNT", 3.0, "float"),
        ("FLAG", 1, "int"),
        ("NAME", b"default", "bytes"),
        ("COLOURS", "red", "str"),
        ("COLOURS", ["red", 1], "int"),
        ("COLOURS", {"red"}, "set"),
        ("FORMATS", ["a"], "list"),
        ("FORMATS", {1: ["b"]}, "int"),
        ("FORMATS", {"a": "b"}, "str"),
        ("EITHER", "1", "str"),
        ("EITHER", True, "bool"),
        ("EITHER", None, "NoneType"),
        ("EITHER", [1], "int"),
        ("EITHER", {"a": "b"}, "dict"),
    ],
)
def test_a_wrong_type_is_refused_when_read(settings, name, value, found):
    setattr(settings, f"BT_SECURITY_PROBE_{name}", value)
    with pytest.raises(ImproperlyConfigured, match=f"^BT_SECURITY_PROBE_{name} .*found {found}"):
        getattr(probe, name.lower())


def test_a_wrong_type_is_refused_with_the_type_it_needs(settings):
    settings.BT_SECURITY_PROBE_FORMATS = ["a"]
    with pytest.raises(ImproperlyConfigured, match=r"must be of type dict\[str, list\[str\]\]"):
        _ = probe.formats


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("LOW", -1, "0 or more"),
        ("HIGH", 10, "9 or less"),
        ("EITHER", -1, "0 or more"),
        ("INNER_KEPT_DAYS", 0, "1 to 90"),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_range(settings, name, value, allowed):
    setattr(settings, f"BT_SECURITY_PROBE_{name}", value)
    message = f"^BT_SECURITY_PROBE_{name} is out of range: {allowed} is allowed.$"
    with pytest.raises(ImproperlyConfigured, match=message):
        _ = probe.inner.kept_days if "INNER" in name else getattr(probe, name.lower())


def test_a_value_outside_the_choices_is_refused_with_the_nearest(settings):
    settings.BT_SECURITY_PROBE_COLOUR = "gren"
    with pytest.raises(ImproperlyConfigured, match="'gren' is not known, did you mean 'green'"):
        _ = probe.colour


def test_an_unlike_value_is_refused_with_the_choices_alone(settings):
    settings.BT_SECURITY_PROBE_COLOUR = "blue"
    with pytest.raises(
        ImproperlyConfigured, match=r"'blue' is not known\. Allowed: one of"
    ) as refusal:
        _ = probe.colour
    assert "did you mean" not in str(refusal.value)


def test_an_item_outside_the_choices_is_refused(settings):
    settings.BT_SECURITY_PROBE_COLOURS = ["red", "blue"]
    with pytest.raises(ImproperlyConfigured, match="'blue' is not known"):
        _ = probe.colours


def test_a_doubled_item_is_refused(settings):
    settings.BT_SECURITY_PROBE_COLOURS = ["red", "green", "red"]
    with pytest.raises(ImproperlyConfigured, match="'red' stands there twice"):
        _ = probe.colours


def test_the_value_of_a_secret_is_not_in_the_refusal(settings):
    settings.BT_SECURITY_PROBE_PIN = ["12345"]
    with pytest.raises(ImproperlyConfigured, match="BT_SECURITY_PROBE_PIN") as refusal:
        _ = probe.pin
    assert "12345" not in str(refusal.value)


def test_a_secret_with_choices_cannot_be_declared():
    with pytest.raises(TypeError, match="a secret has no choices"):
        setting("red", choices=["red"], secret=True, help="A colour.")


def test_a_setting_cannot_be_assigned_through_the_section():
    with pytest.raises(AttributeError, match="BT_SECURITY_PROBE_COUNT is set in the settings"):
        probe.count = 4


def test_an_unset_setting_has_its_default():
    assert (probe.count, probe.flag, probe.name, probe.inner.kept_days) == (3, True, "default", 30)


def test_a_setting_is_read_live(settings):
    settings.BT_SECURITY_PROBE_COUNT = 4
    assert probe.count == 4


@pytest.mark.parametrize("value", [1, 90])
def test_both_ends_of_a_range_are_allowed(settings, value):
    settings.BT_SECURITY_PROBE_INNER_KEPT_DAYS = value
    assert probe.inner.kept_days == value


def test_a_tuple_is_read_as_a_list(settings):
    settings.BT_SECURITY_PROBE_COLOURS = ("green",)
    assert probe.colours == ["green"]


@pytest.mark.parametrize(("value", "read"), [(0, 0), ([], []), (["a"], ["a"]), (("a",), ["a"])])
def test_a_union_takes_either_type(settings, value, read):
    settings.BT_SECURITY_PROBE_EITHER = value
    assert probe.either == read


def test_a_changed_default_does_not_stay():
    probe.formats["a"].append("c")
    assert probe.formats == {"a": ["b"]}


def test_a_declared_default_is_a_copy_each_time():
    Probe.formats.default["a"].append("c")
    assert Probe.formats.default == {"a": ["b"]}


def test_a_changed_value_does_not_reach_the_settings(settings):
    settings.BT_SECURITY_PROBE_COLOURS = ["green"]
    probe.colours.append("red")
    assert settings.BT_SECURITY_PROBE_COLOURS == ["green"]


def test_a_line_that_repeats_the_default_counts_as_set(settings):
    settings.BT_SECURITY_PROBE_COUNT = 3
    assert (Probe.count.is_set(), Probe.low.is_set()) == (True, False)


def test_declarations_come_in_the_order_of_the_source():
    names = [declared.name.removeprefix("BT_SECURITY_PROBE_") for declared in probe.iter_settings()]
    assert names[:3] == ["COUNT", "LOW", "HIGH"]
    assert names[-2:] == ["PIN", "INNER_KEPT_DAYS"]


def test_a_section_without_a_prefix_names_its_settings_directly():
    class Root(Section, prefix=""):
        probe = setting(1, help="A number.")

    assert [declared.name for declared in Root().iter_settings()] == ["BT_SECURITY_PROBE"]


@pytest.mark.parametrize(
    ("declared", "type_name", "allowed"),
    [
        (Probe.count, "int", ""),
        (Probe.low, "int", "0 or more"),
        (Probe.colour, "str", "one of red, green"),
        (Probe.colours, "list[str]", "any of red, green"),
        (Probe.formats, "dict[str, list[str]]", ""),
        (Probe.either, "int or list[str]", "0 or more"),
    ],
)
def test_type_and_range_are_told_in_words(declared, type_name, allowed):
    assert (declared.type_name, declared.allowed) == (type_name, allowed)


def test_a_number_of_a_kind_of_its_own_is_one(settings):
    settings.BT_SECURITY_PROBE_COUNT = HTTPStatus.OK
    assert probe.count == HTTPStatus.OK
