"""Protection of changing requests, by Django's own middleware and token.

This feature adds what a client without forms needs: the token as JSON, a second name of its
header, and refusals that a program can read.
"""

from __future__ import annotations

from bt_security.csrf.refusal import failure

__all__ = ["failure"]
