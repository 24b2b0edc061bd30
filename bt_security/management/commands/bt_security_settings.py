"""`manage.py bt_security_settings`: every setting of the package and the value in force."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from bt_security.conf import Setting, conf

HIDDEN = "(hidden)"
TEXT_WIDTH = 90
DETAIL_INDENT = " " * 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One setting as this command shows it; the value of a secret is never in it."""

    name: str
    type: str
    default: Any
    value: Any
    is_default: bool
    error: str
    minimum: int | None
    maximum: int | None
    choices: tuple[str, ...]
    help: str
    secret: bool


class Command(BaseCommand):
    """Print the settings as a text table, as JSON or as the table of the documentation."""

    help = (
        "Lists every BT_SECURITY_* setting with value, default, range and meaning. Values that "
        "the site has set are marked with *. Needs no database and no valid key."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add `--json` and `--markdown`, which exclude each other."""
        form = parser.add_mutually_exclusive_group()
        form.add_argument("--json", action="store_true", help="A JSON list, one object each.")
        form.add_argument(
            "--markdown",
            action="store_true",
            help="The table of docs/settings.md: declarations only, no value of this site.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the table to standard output."""
        declared = list(conf.iter_settings())
        if options["markdown"]:
            self.stdout.write(as_markdown(declared))
        elif options["json"]:
            self.stdout.write(as_json(declared))
        else:
            self.stdout.write(as_text(declared))


def as_json(declared: Iterable[Setting[Any]]) -> str:
    """Return a JSON list with one object a setting."""
    return json.dumps([asdict(_row(each)) for each in declared], indent=2)


def as_markdown(declared: Iterable[Setting[Any]]) -> str:
    """Return the documentation table: the same on every site."""
    lines = ["| Setting | Type | Default | Allowed | Meaning |", "|---|---|---|---|---|"]
    for each in declared:
        code = (f"`{text}`" for text in (each.name, each.type_name, _default(each)))
        lines.append(f"| {' | '.join([*code, each.allowed, each.help])} |")
    return "\n".join(lines)


def as_text(declared: Iterable[Setting[Any]]) -> str:
    """Return columns for a terminal, range and meaning below; `*` marks what the site has set."""
    listed = list(declared)
    heads = [(" ", "Setting", "Value", "Default")]
    heads += [
        ("*" if each.is_set() else " ", each.name, _value(each), _default(each)) for each in listed
    ]
    widths = [max(map(len, column)) for column in zip(*heads, strict=True)]
    lines = ["  ".join(map(str.ljust, head, widths)).rstrip() for head in heads]
    details = ["", *map(_details, listed)]
    return "\n".join(line + detail for line, detail in zip(lines, details, strict=True))


def _row(declared: Setting[Any]) -> Row:
    fault = declared.fault()
    return Row(
        name=declared.name,
        type=declared.type_name,
        default=HIDDEN if declared.secret else declared.default,
        value=HIDDEN if declared.secret else None if fault else declared.read(),
        is_default=not declared.is_set(),
        error=fault.text if fault else "",
        minimum=declared.minimum,
        maximum=declared.maximum,
        choices=declared.choices,
        help=declared.help,
        secret=declared.secret,
    )


def _value(declared: Setting[Any]) -> str:
    if not declared.is_set():
        return "(default)"
    if declared.fault() is not None:
        return "(refused)"
    return HIDDEN if declared.secret else repr(declared.read())


def _default(declared: Setting[Any]) -> str:
    return HIDDEN if declared.secret else repr(declared.default)


def _details(declared: Setting[Any]) -> str:
    texts = [f"Allowed: {declared.allowed}."] if declared.allowed else []
    lines = [line for text in [*texts, declared.help] for line in textwrap.wrap(text, TEXT_WIDTH)]
    return textwrap.indent("\n" + "\n".join(lines), DETAIL_INDENT)
