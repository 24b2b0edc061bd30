"""Reports and key status as text tables."""

from __future__ import annotations

from collections.abc import Sequence

from bt_security.rotation.report import Report
from bt_security.rotation.status import KeyStatus


def report_table(report: Report) -> str:
    """Return what a rotation did, a line per column."""
    rows = [
        (count.column, count.total, count.migrated, count.already, count.failed)
        for count in report.columns.values()
        if count.total or count.migrated or count.failed
    ]
    lines = [_table(("column", "values", "re-sealed", "already", "failed"), rows)]
    rate = f", {report.rows / report.seconds:.0f} rows/s" if report.seconds else ""
    lines.append(
        f"{report.rows} rows written under {report.target}{rate}; "
        f"{report.purpose_keys} purpose keys; {report.lost_races} rows changed meanwhile."
    )
    if report.phase == "migrating":
        lines.append("The database key still opens values: run rotate_keys again to close it.")
    return "\n".join(lines)


def what_is_left(report: Report) -> list[str]:
    """Return a line for each reason why old keys are still needed."""
    lines = [str(failure) for failure in report.failures]
    if len(lines) < report.failed:
        lines.append(f"and {report.failed - len(lines)} more")
    lines += [f"{place}: sealed values, but no installed model" for place in report.orphans]
    lines += [
        f"{model}: a running process goes on sealing under an old key"
        for model in report.still_written
    ]
    return lines


def status_table(status: KeyStatus) -> str:
    """Return the key status, a line per column and key."""
    lines = [
        f"source: {'TOKEN_ENCRYPTION_KEY' if status.source == 'environment' else 'database'}",
        f"sealing with: {status.sealing_prefix or 'nothing'}",
        f"move to an operator key: {status.phase or 'not begun'}",
    ]
    rows: list[tuple[object, ...]] = []
    for column in status.columns:
        name = f"{column.model}.{column.field}"
        rows += [
            (name, column.alias, prefix, count)
            for prefix, count in sorted(column.by_prefix.items())
        ]
        for kind in ("plaintext", "foreign", "unreadable"):
            if count := getattr(column, kind):
                rows.append((name, column.alias, kind, count))
    rows += [
        ("purpose keys", "", prefix, count) for prefix, count in sorted(status.purpose_keys.items())
    ]
    lines.append(_table(("column", "database", "key", "values"), rows))
    lines += [f"! {warning}" for warning in status.warnings]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    table = [tuple(head), *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 or not cell.isdigit() else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    )
