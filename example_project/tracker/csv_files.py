"""Bills as CSV text. What `write_bills` writes, `read_bills` reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from tracker.forms import BillForm
from tracker.models import Bill

COLUMNS = ["payee", "amount", "currency", "due_on", "customer_number", "note"]
NEEDED = COLUMNS[:4]
MAX_ROWS = 1_000
# A spreadsheet takes a cell that begins so for a formula, and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class NotBills(ValueError):
    """The text is no CSV file of bills; the message tells the user why."""


@dataclass(frozen=True)
class Line:
    """One line of the file, with the form that judges it."""

    number: int
    form: BillForm

    @property
    def cells(self) -> list[str]:
        return [self.form.data[name] for name in self.form.fields]

    @property
    def faults(self) -> list[str]:
        return [
            f"{self.form.fields[name].label if name in self.form.fields else 'Line'}: {fault}"
            for name, faults in self.form.errors.items()
            for fault in faults
        ]


def read_bills(text: str) -> list[Line]:
    """Return a line for each bill in `text`, the faulty ones too.

    Raises:
        NotBills: no such columns, no line at all, or too many.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        columns = reader.fieldnames or []
        if missing := [name for name in NEEDED if name not in columns]:
            raise NotBills(f"The file has no column {', '.join(missing)}.")
        lines = [Line(reader.line_num, _form(row)) for row in reader]
    except csv.Error:
        raise NotBills("The file is not CSV.") from None
    if not lines:
        raise NotBills("The file has no bill.")
    if len(lines) > MAX_ROWS:
        raise NotBills(f"The file has more than {MAX_ROWS} bills.")
    return lines


def _form(row: dict) -> BillForm:
    cells = {name: _without_guard((row.get(name) or "").strip()) for name in COLUMNS}
    cells["payee_name"] = cells.pop("payee")
    return BillForm(cells)


def write_bills(bills: Iterable[Bill]) -> str:
    """Return the bills as CSV text that is safe to open in a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for bill in bills:
        cells = [bill.payee.name, bill.amount, bill.currency, bill.due_on.isoformat()]
        cells += [bill.customer_number, bill.note]
        writer.writerow(_with_guard(str(cell)) for cell in cells)
    return text.getvalue()


def _with_guard(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def _without_guard(cell: str) -> str:
    is_guarded = cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS)
    return cell[1:] if is_guarded else cell
