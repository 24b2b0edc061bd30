"""The benchmarks that there are, in the order in which they run."""

from __future__ import annotations

NAMES = ["field", "rows", "columns", "rotation", "large", "workers", "memory", "start"]
"""What each measures is the docstring of the module of that name."""
