"""Writes the tables of `docs/api.md` from the API's own document and its list of codes.

`python -m tests.api_page` writes them; a test holds them equal to what this makes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import django
from django.urls import URLPattern

from tests.markdown_pages import DOCS

PAGE = DOCS / "api.md"
ALWAYS = "bt_security.web.urls"


def main() -> None:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def page(text: str) -> str:
    """Return the page with its tables made anew."""
    routes = _with(text, "routes", _routes_table())
    return _with(routes, "codes", _codes_table())


def _with(text: str, name: str, table: str) -> str:
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _start, rest = text.partition(start)
    _old, _end, after = rest.partition(end)
    return f"{before}{start}\n{table}\n{end}{after}"


def _routes_table() -> str:
    openapi = import_module("bt_security.web.openapi")
    patterns = dict(_patterns())
    own = openapi.document_path([pattern for pattern, _features in patterns.items()])
    patterns[own] = "any"
    lines = ["| Route | What it does | Log-in | Feature |\n", "|---|---|---|---|\n"]
    for pattern, features in sorted(patterns.items(), key=lambda item: openapi.template(item[0])):
        methods = openapi.document([pattern])["paths"].get(openapi.template(pattern), {})
        for method, operation in methods.items():
            route = f"{method.upper()} {openapi.template(pattern).removeprefix('/')}"
            summary = operation["summary"].removesuffix(".")
            lines.append(f"| `{route}` | {summary} | {_login(operation)} | {features} |\n")
    return "".join(lines)


def _patterns() -> Iterator[tuple[URLPattern, str]]:
    """Yield every pattern of the package with the features that bring it."""
    places = import_module("bt_security.urls").FEATURE_URLS
    for pattern in import_module(ALWAYS).urlpatterns:
        yield pattern, "any"
    for place, features in places.items():
        for pattern in import_module(place).urlpatterns:
            yield pattern, " or ".join(f"`{name}`" for name in features)


def _login(operation: dict[str, Any]) -> str:
    names = {"session": "session", "bearer": "API token"}
    asked = [names[way] for ways in operation["security"] for way in ways if way in names]
    return " or ".join(asked) or "none"


def _codes_table() -> str:
    codes = import_module("bt_security.web.codes").error_codes()
    lines = ["| Status | Code | When |\n", "|---|---|---|\n"]
    for name, code in sorted(codes.items(), key=lambda item: (item[1].status, item[0])):
        lines.append(f"| {int(code.status)} | `{name}` | {code.meaning} |\n")
    return "".join(lines)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main()
