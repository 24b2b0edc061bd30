"""`manage.py bt_security_settings`."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from bt_security.conf import Section, conf, setting
from bt_security.management.commands.bt_security_settings import (
    Command,
    as_json,
    as_markdown,
    as_text,
)
from tests.source_tree import ROOT

pytestmark = pytest.mark.once


class Probe(Section, prefix="PROBE"):
    kept_days = setting(30, minimum=1, maximum=90, help="Days.")
    pin = setting("pin-by-default", secret=True, help="A secret.")


DECLARED = list(Probe().iter_settings())
FORMS = [as_text, as_json, as_markdown]


@pytest.fixture
def printed(capsys):
    def run(*options: str) -> str:
        call_command("bt_security_settings", *options)
        return capsys.readouterr().out

    return run


def text_line(name: str) -> str:
    return next(line for line in as_text(DECLARED).splitlines() if f"BT_SECURITY_{name}" in line)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_never_shown(settings, form):
    settings.BT_SECURITY_PROBE_PIN = "pin-of-site"
    shown = form(DECLARED)
    assert "(hidden)" in shown
    assert "pin-of-site" not in shown
    assert "pin-by-default" not in shown


def test_a_refused_value_is_named_in_the_table(settings):
    settings.BT_SECURITY_PROBE_KEPT_DAYS = 0
    assert text_line("PROBE_KEPT_DAYS").split()[:3] == [
        "*",
        "BT_SECURITY_PROBE_KEPT_DAYS",
        "(refused)",
    ]


def test_a_refused_value_is_an_error_in_json(settings):
    settings.BT_SECURITY_PROBE_KEPT_DAYS = 0
    row = json.loads(as_json(DECLARED))[0]
    assert (row["value"], row["is_default"]) == (None, False)
    assert "1 to 90 is allowed" in row["error"]


def test_a_value_of_the_site_is_marked(settings):
    settings.BT_SECURITY_PROBE_KEPT_DAYS = 7
    words = text_line("PROBE_KEPT_DAYS").split()
    assert words == ["*", "BT_SECURITY_PROBE_KEPT_DAYS", "7", "30"]


def test_a_default_is_not_marked():
    words = text_line("PROBE_KEPT_DAYS").split()
    assert words[:3] == ["BT_SECURITY_PROBE_KEPT_DAYS", "(default)", "30"]


def test_range_and_meaning_stand_below_the_setting():
    lines = [line.strip() for line in as_text(DECLARED).splitlines()]
    below = lines.index("BT_SECURITY_PROBE_KEPT_DAYS  (default)  30") + 1
    assert lines[below : below + 2] == ["Allowed: 1 to 90.", "Days."]


def test_json_has_everything_that_is_declared():
    assert json.loads(as_json(DECLARED))[0] == {
        "name": "BT_SECURITY_PROBE_KEPT_DAYS",
        "type": "int",
        "default": 30,
        "value": 30,
        "is_default": True,
        "error": "",
        "minimum": 1,
        "maximum": 90,
        "choices": [],
        "help": "Days.",
        "secret": False,
    }


def test_markdown_shows_no_value_of_the_site(settings):
    before = as_markdown(DECLARED)
    settings.BT_SECURITY_PROBE_KEPT_DAYS = 7
    assert as_markdown(DECLARED) == before


def test_a_broken_environment_does_not_stop_it(printed, monkeypatch):
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEY", "short")
    assert "BT_SECURITY_FEATURES" in printed()


@pytest.mark.parametrize(
    ("options", "form"), [([], as_text), (["--json"], as_json), (["--markdown"], as_markdown)]
)
def test_an_option_chooses_the_form(printed, options, form):
    assert printed(*options) == f"{form(conf.iter_settings())}\n"


def test_two_forms_at_once_are_refused():
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("bt_security_settings", "--json", "--markdown")


def test_the_page_of_the_docs_holds_this_table():
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert f"\n{as_markdown(conf.iter_settings())}\n" in page


def test_it_runs_without_system_checks():
    assert list(Command.requires_system_checks) == []
