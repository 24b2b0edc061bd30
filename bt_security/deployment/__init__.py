"""What a site still lacks, measured by the presets: for `manage.py check --deploy`."""

from __future__ import annotations

from bt_security.deployment.strict_difference import (
    CONSEQUENCES,
    DJANGO_REPORTS,
    check_strict,
    register,
)

__all__ = ["CONSEQUENCES", "DJANGO_REPORTS", "check_strict", "register"]
