"""The table of actions in docs/audit.md: `python -m tests.audit_page` writes it."""

from __future__ import annotations

import os
from importlib import import_module

import django

from tests.markdown_pages import DOCS

PAGE = DOCS / "audit.md"
START, END = "<!-- actions -->\n", "<!-- /actions -->\n"


def table() -> str:
    """Return the registered actions of the package as a table."""
    lines = ["| Action | What happened | OWASP | OCSF class/activity |", "|---|---|---|---|"]
    for action in import_module("bt_security.audit.actions").all_actions():
        ocsf = f"{action.ocsf_class}/{action.ocsf_activity}"
        lines.append(f"| `{action.name}` | {action.help} | `{action.owasp}` | {ocsf} |")
    return "\n".join(lines) + "\n"


def page_with(table_text: str) -> str:
    """Return the page with this table in its place."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    return f"{before}{START}{table_text}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    PAGE.write_text(page_with(table()), encoding="utf-8")
