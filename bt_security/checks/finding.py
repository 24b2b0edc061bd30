"""What a check reports: a message with its id, a way out and a place in the docs."""

from __future__ import annotations

from django.core.checks import CheckMessage, Error, Warning


def finding(number: str, text: str, *, hint: str) -> CheckMessage:
    """Return the message `bt_security.<number>`: an error for `E…`, a warning for `W…`.

    `hint` says all that has to be done: the page that is named behind it is not installed.
    """
    kind = Error if number.startswith("E") else Warning
    page = f"More in the repository: docs/checks.md#{number.lower()}."
    return kind(text, hint=f"{hint} {page}", id=f"bt_security.{number}")
