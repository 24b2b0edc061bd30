"""Judging the retention records: which entries may be missing, and what their archives hold."""

from __future__ import annotations

from pathlib import Path

from django.db import DatabaseError

from bt_security.audit.retention.records import is_signed
from bt_security.audit.seals.ranges import Pair, Ranges
from bt_security.audit.seals.signing import TrustedKeys
from bt_security.audit.verification.archive import Archives
from bt_security.audit.verification.findings import Found, Kind
from bt_security.audit.verification.rows import BAD_VALUE, Secrets
from bt_security.models import AuditRetention, AuditSeal

REWRITTEN = "the seal is not the one that a retention record was signed for"


class RetentionCheck:
    """Reads the records, again whenever it is asked: entries may be pruned meanwhile."""

    def __init__(self, using: str, trusted: TrustedKeys, found: Found) -> None:
        self._using = using
        self._trusted = trusted
        self._found = found
        self._records: list[AuditRetention] = []

    @property
    def last_seq(self) -> int:
        """The newest seal of which a record says that it was there."""
        return max((record.last_seq for record in self._records), default=0)

    def pruned(self) -> Ranges:
        """Return the seals whose entries may be missing, by the records that can be believed."""
        self._records = [record for record in self._stored() if self._is_sound(record)]
        return Ranges.from_pairs(map(_seals, self._records))

    def check_archive(self, directory: Path, secrets: Secrets) -> int:
        """Compare the archives in `directory` with the seals; return how many entries they have.

        Raises:
            OSError: the directory or a file in it cannot be read.
        """
        archives = Archives(
            directory, self._using, self._found, trusted=self._trusted, secrets=secrets
        )
        return sum(archives.check(record) for record in self._records)

    def _stored(self) -> list[AuditRetention]:
        records = AuditRetention.objects.using(self._using).order_by("seq")
        seqs = list(records.values_list("seq", flat=True))
        found = [self._single(seq) for seq in seqs]
        return [record for record in found if record is not None]

    def _single(self, seq: int) -> AuditRetention | None:
        records = AuditRetention.objects.using(self._using).filter(seq=seq)
        try:
            return records.first()
        except (DatabaseError, *BAD_VALUE):
            # Raises again where it is the connection that fails, and not the value.
            records.exists()
            self._add_forged(seq)
            return None

    def _is_sound(self, record: AuditRetention) -> bool:
        try:
            is_genuine = is_signed(record, self._trusted)
        except BAD_VALUE:
            is_genuine = False
        if not is_genuine:
            self._add_forged(record.seq)
            return False
        heads = AuditSeal.objects.using(self._using).filter(seq=record.last_seq)
        stored = heads.values_list("head", flat=True).first()
        if stored is not None and stored != record.head:
            place = record.last_seq, record.last_seq
            self._found.add(Kind.HISTORY_REWRITTEN, REWRITTEN, seals=[place])
        return True

    def _add_forged(self, seq: int) -> None:
        text = f"retention record {seq} is not what a key that counts has signed"
        self._found.add(Kind.RETENTION_FORGED, text)


def _seals(record: AuditRetention) -> Pair:
    return record.first_seq, record.last_seq
