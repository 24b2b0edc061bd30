"""The table of operations as the documentation shows it."""

from __future__ import annotations

from bt_security.conf.ratelimit import OPERATIONS, RateLimit


def markdown_table() -> str:
    """Return the table of `docs/rate-limits.md`: the defaults, the same on every site."""
    open_ones = RateLimit.fail_open.default
    lines = ["| Operation | Rules | While the cache is down | What counts |", "|---|---|---|---|"]
    for name, (rules, meaning) in OPERATIONS.items():
        policy = "not limited" if name in open_ones else "each process by itself"
        lines.append(f"| `{name}` | `{rules}` | {policy} | {meaning} |")
    return "\n".join(lines)
