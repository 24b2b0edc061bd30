"""Seals: what proves that nobody has changed the log since, and where proofs are kept."""
