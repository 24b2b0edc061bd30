"""The benchmarks of the login history, in the order in which they run."""

from __future__ import annotations

NAMES = ["logging_in", "events", "pages", "pruning"]
"""What each measures is the docstring of the module of that name."""
