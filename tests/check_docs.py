"""`make docs`: links and anchors of README and docs, their generated table, their code.

Prints what is wrong and ends with status 1 if anything is.
"""

from __future__ import annotations

import ast
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from django.core.management import call_command

from tests.markdown_pages import DOCS, README, anchors, code_blocks, links, pages
from tests.source_tree import ROOT

ELSEWHERE = ("https://", "http://", "mailto:")


def main() -> int:
    faults = [*wrong_links(), *unlisted_pages(), *wrong_settings_table(), *broken_code()]
    for fault in faults:
        print(fault)
    print(f"{len(pages())} pages, {len(faults)} fault(s)")
    return 1 if faults else 0


def wrong_links() -> Iterator[str]:
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for target in links(text):
            if not target.startswith(ELSEWHERE) and not leads_somewhere(page, target):
                yield f"{page.relative_to(ROOT)}: {target} leads nowhere"


def leads_somewhere(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.exists() or not file.is_relative_to(ROOT):
        return False
    return not anchor or anchor in anchors(file.read_text(encoding="utf-8"))


def unlisted_pages() -> Iterator[str]:
    index = DOCS / "index.md"
    listed = {(DOCS / target.partition("#")[0]).resolve() for target in links(index.read_text())}
    for page in pages():
        if page not in {README, index} and page not in listed:
            yield f"{page.relative_to(ROOT)} is not in docs/index.md"


def wrong_settings_table() -> Iterator[str]:
    generated = io.StringIO()
    call_command("bt_security_settings", "--markdown", stdout=generated)
    if generated.getvalue().strip() not in (DOCS / "settings.md").read_text(encoding="utf-8"):
        yield "docs/settings.md: the table is not that of `bt_security_settings --markdown`"


def broken_code() -> Iterator[str]:
    for page in pages():
        for block in code_blocks(page.read_text(encoding="utf-8")):
            if block.language != "python":
                continue
            try:
                ast.parse(block.code)
            except SyntaxError as error:
                line = block.line + (error.lineno or 0)
                yield f"{page.relative_to(ROOT)}:{line}: {error.msg}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    sys.exit(main())
