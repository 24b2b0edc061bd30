"""Type aliases that several layers share."""

from __future__ import annotations

from typing import Literal

KeySource = Literal["database", "environment"]
"""Where the key that seals comes from, as `key_status` and the admin name it."""
