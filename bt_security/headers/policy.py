"""Policies for a settings file."""

from __future__ import annotations

from typing import Any

from bt_security.presets.csp_policy import content_security_policy


def strict_policy(
    *, frame_options: str = "SAMEORIGIN", force_https: bool = False
) -> dict[str, Any]:
    """Return the policy of the presets: `CONTENT_SECURITY_POLICY = headers.strict_policy()`."""
    return content_security_policy(frame_options=frame_options, force_https=force_https)


def default_policy(
    *, report_only: bool, frame_options: str = "SAMEORIGIN", force_https: bool = False
) -> dict[str, Any]:
    """Return the settings that put the strict policy in force, or only have it reported.

    For `globals().update(default_policy(report_only=True))`; the setting that is not meant is
    None, so that a later line can still fill it.
    """
    policy = strict_policy(frame_options=frame_options, force_https=force_https)
    return {
        "CONTENT_SECURITY_POLICY": None if report_only else policy,
        "CONTENT_SECURITY_POLICY_REPORT_ONLY": policy if report_only else None,
    }
