"""Whether a directory of the settings is one that this process could write to."""

from __future__ import annotations

import os
from pathlib import Path


def takes_files(name: str) -> bool:
    """Tell whether files could be written to a directory, or it could be made. Changes nothing."""
    directory = Path(name)
    there = next((path for path in (directory, *directory.parents) if path.exists()), directory)
    return directory.is_absolute() and there.is_dir() and os.access(there, os.W_OK | os.X_OK)
