"""What a check reports: a message with its id, a way out and a place in the docs."""

from __future__ import annotations

from django.core.checks import CheckMessage, Error, Warning


def finding(number: str, text: str, *, hint: str) -> CheckMessage:
    """Return the message `bt_security.<number>`: an error for `E…`, a warning for `W…`.

    `hint` says what to do; the line in `docs/checks.md` is added to it.
    """
    kind = Error if number.startswith("E") else Warning
    return kind(
        text, hint=f"{hint} See docs/checks.md#{number.lower()}.", id=f"bt_security.{number}"
    )
