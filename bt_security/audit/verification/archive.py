"""Comparing the archives of pruned entries with the records and the seals that covered them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bt_security.audit.retention import archive
from bt_security.audit.seals.ranges import Ranges
from bt_security.audit.seals.signing import TrustedKeys
from bt_security.audit.verification.entries import check_archived, members
from bt_security.audit.verification.findings import Found, Kind
from bt_security.audit.verification.rows import Secrets, Stored
from bt_security.audit.verification.seals import fault_of, stored_seals
from bt_security.models import AuditRetention, AuditSeal

DIGEST = "the archive is not the one that was written"
CONTENT = "what the archive has under these ids is not what was sealed"
MISSING = "their archive is not there"


class Archives:
    """The archives of one directory."""

    def __init__(
        self,
        directory: Path,
        using: str,
        found: Found,
        *,
        trusted: TrustedKeys,
        secrets: Secrets,
    ) -> None:
        self._directory = directory
        self._using = using
        self._found = found
        self._trusted = trusted
        self._secrets = secrets

    def check(self, record: AuditRetention) -> int:
        """Compare the archive of a record, if it has one; return how many entries were read.

        Raises:
            OSError: it cannot be read.
        """
        if not record.archive_digest:
            return 0
        place = [(record.first_seq, record.last_seq)]
        file = self._directory / archive.file_name(record.first_seq, record.last_seq)
        if not file.is_file():
            self._found.add(Kind.ARCHIVE_MISSING, MISSING, seals=place)
            return 0
        if archive.digest_of(file) != record.archive_digest:
            self._found.add(Kind.ARCHIVE_MISMATCH, DIGEST, seals=place)
            return 0
        lines = _Lines(file)
        entries = [self._compare(seal, lines) for seal in self._seals(record)]
        has_all_seals = len(entries) == record.last_seq - record.first_seq + 1
        if has_all_seals and not lines.are_all_read():
            self._found.add(Kind.ARCHIVE_MISMATCH, CONTENT, seals=place)
        return sum(entries)

    def _seals(self, record: AuditRetention) -> Iterator[AuditSeal]:
        """Yield the seals up to the first that is missing or cannot be believed.

        Where it is the lines do not say, and what is wrong with it was found before.
        """
        expected = record.first_seq
        for seq, seal in stored_seals(self._using, after=record.first_seq - 1):
            is_next = seq == expected <= record.last_seq
            if not is_next or seal is None or fault_of(seal, self._trusted) is not None:
                return
            yield seal
            expected += 1

    def _compare(self, seal: AuditSeal, lines: _Lines) -> int:
        part = check_archived(seal, self._secrets, lines.of(members(seal)))
        for finding in part.found.findings():
            self._found.add(
                Kind.ARCHIVE_MISMATCH, CONTENT, entries=finding.entries, seals=finding.seals
            )
        return part.entries


class _Lines:
    """Hands out the entries of an archive seal by seal."""

    def __init__(self, file: Path) -> None:
        self._lines = archive.read(file)
        self._ahead = self._next()

    def of(self, ids: Ranges) -> Iterator[Stored]:
        while self._ahead is not None and self._ahead.id in ids:
            yield self._ahead
            self._ahead = self._next()

    def are_all_read(self) -> bool:
        return self._ahead is None

    def _next(self) -> Stored | None:
        """Return the next line; one that is no entry ends what can be compared."""
        try:
            return next((Stored(*line) for line in self._lines), None)
        except ValueError:
            return Stored(0, None)
