"""Bills as a calendar that phones and mail programs subscribe to.

Source: RFC 5545 (iCalendar) sections 3.1, 3.3.11 and 3.6.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tracker.models import Bill

LINE_BYTES = 75


def calendar_text(bills: Iterable[Bill]) -> str:
    """Return an all-day event for each bill, on the day it is due."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Bill tracker//example//EN"]
    for bill in bills:
        stamp = f"{bill.due_on:%Y%m%d}"
        lines += [
            "BEGIN:VEVENT",
            f"UID:bill-{bill.pk}@bill-tracker.example",
            f"DTSTAMP:{stamp}T000000Z",
            f"DTSTART;VALUE=DATE:{stamp}",
            f"SUMMARY:{_escaped(f'{bill.payee.name}: {bill.amount} {bill.currency}')}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line))


def _escaped(text: str) -> str:
    for character in "\\;,":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.splitlines())


def _folded(line: str) -> Iterator[str]:
    """Cut a line into pieces of at most 75 bytes; the later ones start with a space."""
    piece = ""
    for character in line:
        if len(f"{piece}{character}".encode()) > LINE_BYTES:
            yield piece
            piece = " "
        piece += character
    yield piece
