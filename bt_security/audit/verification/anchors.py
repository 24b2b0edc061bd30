"""Comparing the seals with their anchors: what stood here once, kept where nobody changes it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bt_security.audit.seals import anchors
from bt_security.audit.seals.anchors import Anchor
from bt_security.audit.seals.heads import statement
from bt_security.audit.seals.signing import TrustedKeys
from bt_security.audit.verification.findings import Found, Kind
from bt_security.models import AuditSeal

NOT_SIGNED = "an anchor that no key that counts has signed"
MOVED = "an anchor under another number than its seal"
REWRITTEN = "the seal is not the one that was anchored"
TRUNCATED = "was anchored and is not there"
ANCHORED = "the newest seal that an anchor proves"
NO_ANCHOR = "without an anchor nothing can tell whether the end of the log was cut off"
BEHIND = "no anchor proves it: nothing can tell what stood after the anchored ones"


class AnchorCheck:
    """Takes the stored seals one by one and finds those that are not what was anchored.

    A head that its number's seal has not is another history, unless it is found to be another
    seal's: so `finish` says that. `proved` is the newest anchored seal that was found as it was,
    0 without one.
    """

    def __init__(self, trusted: TrustedKeys, found: Found) -> None:
        self._trusted = trusted
        self._found = found
        self._by_seq: dict[int, set[bytes]] = {}
        self._seqs_of: dict[bytes, set[int]] = {}
        self._strange: set[tuple[int, bytes]] = set()
        self._unproved_since: datetime | None = None
        self._newest = 0
        self.proved = 0

    def read(self, path: Path) -> None:
        """Take the anchors of a file.

        Raises:
            OSError: it cannot be read.
        """
        try:
            listed = anchors.read(path)
        except ValueError as error:
            self._found.add(Kind.ANCHOR_FORGED, str(error))
            return
        for anchor in listed:
            self._take(anchor)

    def see(self, seal: AuditSeal, *, sound: bool) -> None:
        """Compare a stored seal with what was anchored under its number."""
        head, seq = _head(seal), seal.seq
        self._newest = max(self._newest, seq)
        for other in sorted(self._seqs_of.get(head, set()) - {seq}):
            self._found.add(Kind.ANCHOR_FORGED, MOVED, seals=[(other, other)])
            self._take_out(head, other)
        expected = self._by_seq.pop(seq, set())
        self._strange.update((seq, another) for another in expected - {head})
        if not sound:
            return
        if head in expected:
            self.proved, self._unproved_since = seq, None
        else:
            self._unproved_since = self._unproved_since or seal.sealed_at

    def finish(self, *, oldest: datetime) -> None:
        """Say what the anchors prove; seals younger than `oldest` may still lack theirs."""
        for seq in sorted({seq for seq, _ in self._strange}):
            self._found.add(Kind.HISTORY_REWRITTEN, REWRITTEN, seals=[(seq, seq)])
        last = max(self._by_seq, default=0)
        if last > self._newest:
            self._found.add(Kind.TAIL_TRUNCATED, TRUNCATED, seals=[(self._newest + 1, last)])
        elif not self.proved:
            self._found.add(Kind.TAIL_UNPROVED, NO_ANCHOR)
        if not self.proved:
            return
        self._found.add(Kind.ANCHORED, ANCHORED, seals=[(self.proved, self.proved)])
        since = self._unproved_since
        if since is not None and since < oldest:
            behind = [(self.proved + 1, self._newest)]
            self._found.add(Kind.TAIL_UNPROVED, BEHIND, seals=behind)

    def _take(self, anchor: Anchor) -> None:
        signed = statement(anchor.head)
        key_id, signature, seq = anchor.signing_key, anchor.signature, anchor.seq
        if not self._trusted.is_signed(signed, key_id=key_id, signature=signature):
            self._found.add(Kind.ANCHOR_FORGED, NOT_SIGNED, seals=[(seq, seq)])
            return
        self._by_seq.setdefault(seq, set()).add(anchor.head)
        self._seqs_of.setdefault(anchor.head, set()).add(seq)

    def _take_out(self, head: bytes, seq: int) -> None:
        """Forget that `head` was anchored as `seq`, which is another seal's number."""
        self._strange.discard((seq, head))
        heads = self._by_seq.get(seq, set())
        heads.discard(head)
        if not heads:
            self._by_seq.pop(seq, None)


def _head(seal: AuditSeal) -> bytes:
    return bytes(seal.head) if isinstance(seal.head, bytes | memoryview) else b""
