"""CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

_WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'", *_WIDE)
"""With these a cell may be a formula; some programs read the wide forms of East Asian text so.

Source: OWASP, CSV Injection.
"""

_WITHIN = re.compile('([;\t\r\n]["\\s]*)(?=[=+\\-@' + "".join(_WIDE) + "])")
"""Where a program that splits lines at semicolons, as in much of Europe, sees a formula begin."""


class _Line:
    """Takes what `csv.writer` writes."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the header and one line a row, as RFC 4180 has them; all cells are safe.

    Source: RFC 4180 section 2.
    """
    line = _Line()
    write = csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow
    write(list(header))
    yield line.text
    for row in rows:
        write(map(safe_cell, row))
        yield line.text


def safe_cell(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    One that it could take for a formula begins with an apostrophe, and so does one that began
    with an apostrophe: taking the first one away gives the value back. Within a cell an apostrophe
    comes after a semicolon that a formula could follow.
    """
    cell = _WITHIN.sub(r"\1'", cell)
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
