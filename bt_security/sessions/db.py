"""`SESSION_ENGINE = "bt_security.sessions.db"`: sessions in the database."""

from __future__ import annotations

from bt_security.sessions import registry
from bt_security.sessions.store import SealedSession


class SessionStore(SealedSession):
    """A session whose sealed content is in its row."""

    def _read(self, digests: list[str]) -> tuple[str, str, registry.Row | None] | None:
        row = registry.find(digests)
        return None if row is None else (row.digest, row.sealed, row)

    def _insert(self, digest: str, sealed: str) -> bool:
        return registry.insert(self, digest, sealed)

    def _replace(self, old: str, new: str, sealed: str) -> bool:
        return registry.replace(self, old, new, sealed)

    def _discard(self, digest: str, row: registry.Row | None) -> bool:
        return row is not None and registry.close(row.pk)

    def remove(self, digests: list[str]) -> None:
        """Delete what is stored under the digests."""
        registry.remove(digests)
