"""`SESSION_ENGINE = "bt_security.sessions.cache"`: content in a cache, log-ins in the database.

The cache is that of `SESSION_CACHE_ALIAS`. A log-in has a row, so that it can be listed and ended;
sessions of nobody are in the cache alone.
"""

from __future__ import annotations

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from bt_security.conf import conf
from bt_security.sessions import registry, secrets
from bt_security.sessions.places import place_of
from bt_security.sessions.store import SealedSession

KEY_PREFIX = "bt_security.session."


class SessionStore(SealedSession):
    """A session whose sealed content is in the cache, under the digest of its key."""

    cache_key_prefix = KEY_PREFIX

    @sensitive_variables()
    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._cache = place_of(settings.SESSION_CACHE_ALIAS)

    def _read(self, digests: list[str]) -> tuple[str, str, registry.Row | None] | None:
        for digest in secrets.in_order(digests):
            sealed = self._cache.get(self._cache_key(digest))
            if sealed is not None:
                return digest, sealed, None
        return None

    def _insert(self, digest: str, sealed: str) -> bool:
        if not self._cache.add(self._cache_key(digest), sealed, self._seconds()):
            return False
        if self.facts.mark is not None:
            self._has_row = registry.insert(self, digest, "")
        return True

    def _replace(self, old: str, new: str, sealed: str) -> bool:
        if not self._has_row and not self._cache.has(self._cache_key(old)):
            return False
        if not self._keep_row(old, new):
            self._cache.remove([self._cache_key(old)])
            return False
        self._cache.put(self._cache_key(new), sealed, self._seconds())
        if old != new:
            self._cache.remove([self._cache_key(old)])
        return True

    def _keep_row(self, old: str, new: str) -> bool:
        """Bring the row of a log-in to what it is now; False if it was ended meanwhile."""
        if self._has_row:
            if old == new and registry.is_as_stored(self, new):
                return True
            return registry.replace(self, old, new, "")
        self._has_row = self.facts.mark is not None and registry.insert(self, new, "")
        return self._has_row or self.facts.mark is None

    def remove(self, digests: list[str]) -> None:
        """Delete what is stored under the digests."""
        registry.remove(digests)
        self.remove_content(digests)

    def remove_content(self, digests: list[str]) -> None:
        """Delete what the cache holds under the digests."""
        self._cache.remove([self._cache_key(digest) for digest in digests])

    def _discard(self, digest: str, row: registry.Row | None) -> bool:
        return self._cache.remove([self._cache_key(digest)]) > 0

    def prolong(self, digest: str) -> None:
        """Keep what is stored for another idle time."""
        self._cache.prolong(self._cache_key(digest), self._seconds())

    def _cache_key(self, digest: str) -> str:
        return f"{self.cache_key_prefix}{digest}"

    def _seconds(self) -> int:
        """Return how long the cache has to keep it: to the nearer one of both limits."""
        left = max(0, self.get_expiry_age())
        idle = conf.sessions.idle_seconds
        return min(left, idle) if idle and self.facts.mark is not None else left
