"""A process that records entries as a busy site does: `python -m tests.audit.writer COUNT SEED`.

Some transactions go on for a while after their entry, some are rolled back.
"""

from __future__ import annotations

import random
import sys
import time

import django

django.setup()

from django.conf import settings  # noqa: E402 - settings need the set-up
from django.db import transaction  # noqa: E402

from bt_security.audit import record  # noqa: E402

ROLLED_BACK, GOES_ON = 0.08, 0.15


def main(count: int, seed: int) -> None:
    settings.BT_SECURITY_FEATURES = ["audit"]
    dice = random.Random(seed)
    left = count
    while left:
        with transaction.atomic():
            record("audit.read", target=f"bill:{left}", details={"writer": seed})
            if dice.random() < GOES_ON:
                time.sleep(dice.random() / 50)
            if dice.random() < ROLLED_BACK:
                transaction.set_rollback(True)
            else:
                left -= 1


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
