"""A process that stores strictly increasing numbers and logs each one after its commit.

`python -m tests.rotation.writer LOG PK…`: seals numbers into the notes with these primary keys,
in turn, until its standard input is closed. Each line of LOG is a primary key and the number.
"""

from __future__ import annotations

import itertools
import os
import select
import sys

import django

django.setup()

from tests.testapp.models import Note  # noqa: E402 - models need the set-up


def main(log: str, *primary_keys: str) -> None:
    with open(log, "w", buffering=1) as lines:
        for number, pk in enumerate(itertools.cycle(primary_keys), start=1):
            if select.select([sys.stdin], [], [], 0)[0] and not os.read(sys.stdin.fileno(), 1):
                return
            assert Note.objects.filter(pk=pk).update(body=str(number)) == 1
            lines.write(f"{pk} {number}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
