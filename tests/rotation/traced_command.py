"""A management command that writes a byte to a pipe for each statement SQLite runs.

`python -m tests.rotation.traced_command PIPE TABLE COMMAND…`: `U` per UPDATE of the table, `B`
before a COMMIT that follows one and `C` when it is through.
"""

from __future__ import annotations

import os
import sys

import django
from django.core.management import call_command
from django.db.backends.signals import connection_created


def main(pipe: int, table: str, *command: str) -> None:
    last = b""

    def trace(statement: str) -> None:
        nonlocal last
        if statement.startswith(f'UPDATE "{table}" SET'):
            last = b"U"
        elif statement == "COMMIT" and last == b"U":
            last = b"B"
        elif last == b"B":
            last = b"C"
        else:
            return
        os.write(pipe, last)

    def follow(connection, **_):
        connection.connection.set_trace_callback(trace)

    connection_created.connect(follow)
    django.setup()
    call_command(*command)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
