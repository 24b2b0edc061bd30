"""Verification: whether the log is what was sealed, and what is wrong with it."""
