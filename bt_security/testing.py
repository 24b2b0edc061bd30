"""Helpers for the test suites of host projects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.test.runner import DiscoverRunner

from bt_security.crypto import sealing_key
from bt_security.keys import Keyring, current

_SECRET = b"bt_security.testing: not a secret, only for tests"


def use_fixed_key(secret: bytes = _SECRET) -> None:
    """Seal and open with one known key until `end_fixed_key`.

    The keys are then never read from the environment or the database, so `assertNumQueries`
    counts the same on every run, and a flushed key table makes no difference.
    """
    key = sealing_key("e2", secret)
    current.fix(
        Keyring(openers={key.prefix: key}, sealer=key, operator_key=key, opens_database_key=False)
    )


def end_fixed_key() -> None:
    """Go back to the keys of environment and database."""
    current.fix(None)


@contextmanager
def fixed_key(secret: bytes = _SECRET) -> Iterator[None]:
    """Use one known key inside a `with` block or a decorated test."""
    use_fixed_key(secret)
    try:
        yield
    finally:
        end_fixed_key()


class FixedKeyRunner(DiscoverRunner):
    """`TEST_RUNNER = "bt_security.testing.FixedKeyRunner"` runs a whole suite with a fixed key."""

    def setup_test_environment(self, **options: Any) -> None:
        """Prepare the environment, and fix the key."""
        super().setup_test_environment(**options)
        use_fixed_key()

    def teardown_test_environment(self, **options: Any) -> None:
        """Undo both."""
        end_fixed_key()
        super().teardown_test_environment(**options)
