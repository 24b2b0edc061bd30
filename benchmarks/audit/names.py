"""The benchmarks of the audit log, in the order in which they run."""

from __future__ import annotations

NAMES = ["storage", "recording", "writers", "sealing", "listing"]
"""What each measures is the docstring of its module; the first one weighs the whole table."""
