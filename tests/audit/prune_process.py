"""A process that prunes and kills itself after so many batches: BEFORE BATCHES DIRECTORY."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime
from importlib import import_module
from itertools import count
from pathlib import Path

import django
from django.conf import settings

settings.BT_SECURITY_FEATURES = ["audit"]
django.setup()

before, batches, directory = sys.argv[1:]
seen = count()


def tick(_: int) -> None:
    if next(seen) == int(batches):
        os.kill(os.getpid(), signal.SIGKILL)


import_module("bt_security.audit.retention.pruning").prune(
    before=datetime.fromisoformat(before), directory=Path(directory), batch_rows=7, tick=tick
)
