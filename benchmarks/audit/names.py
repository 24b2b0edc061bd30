"""The benchmarks of the audit log, in the order in which they run."""

from __future__ import annotations

NAMES = ["recording", "writers", "storage", "sealing", "listing"]
"""What each measures is the docstring of the module of that name."""
