"""The hand-written rotation: what a careful developer would write for one table and no more."""

from __future__ import annotations

import base64
import os
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection, models, transaction

PAGE_ROWS = 1_000
_CONTEXT = b"benchmarks.plain.body"


class HandWritten:
    """Seals with two keys in turn. Short transactions; every UPDATE compares the old text."""

    def __init__(self, model: type[models.Model]) -> None:
        self.table = model._meta.db_table
        self.current, self.other = AESGCM(os.urandom(32)), AESGCM(os.urandom(32))

    def seal(self, text: str) -> str:
        """Return what the table holds for a text."""
        return self._encrypt(self.current, text.encode())

    @staticmethod
    def _encrypt(cipher: AESGCM, content: bytes) -> str:
        nonce = os.urandom(12)
        return base64.b64encode(nonce + cipher.encrypt(nonce, content, _CONTEXT)).decode()

    def _change(self, text: str) -> str:
        raw = base64.b64decode(text)
        return self._encrypt(self.other, self.current.decrypt(raw[:12], raw[12:], _CONTEXT))

    def rotate(self) -> int:
        """Re-seal every row under the other key; return how many there were."""
        last = rows = 0
        with connection.cursor() as cursor:
            while page := self._page(cursor, last):
                last = page[-1][0]
                changes = [(self._change(text), key, text) for key, text in page]
                with transaction.atomic():
                    self._update(cursor, changes)
                rows += len(page)
        self.current, self.other = self.other, self.current
        return rows

    def _page(self, cursor: Any, last: int) -> list[tuple[int, str]]:
        cursor.execute(
            f"SELECT id, body FROM {self.table} WHERE id > %s ORDER BY id LIMIT {PAGE_ROWS}", [last]
        )
        found: list[tuple[int, str]] = cursor.fetchall()
        return found

    def _update(self, cursor: Any, changes: list[tuple[str, int, str]]) -> None:
        if connection.vendor != "postgresql":
            sql = f"UPDATE {self.table} SET body = %s WHERE id = %s AND body = %s"
            cursor.executemany(sql, changes)
            return
        cursor.execute(
            f"UPDATE {self.table} AS t SET body = v.new "
            "FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS v(new, id, old) "
            "WHERE t.id = v.id AND t.body = v.old",
            [list(column) for column in zip(*changes, strict=True)],
        )
