"""Anchors: heads of seals in places that whoever changes the database does not reach."""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error

from bt_security.audit.writing import alias
from bt_security.conf import conf
from bt_security.exceptions import FetchFailed, FetchRefused
from bt_security.models import AuditSeal
from bt_security.net import safe_fetch

logger = logging.getLogger("bt_security.audit.anchor")

FILE_MODE = 0o640
HASH_BYTES = 32
LINES_PER_WRITE = 1_000
TAIL_BYTES = 65_536
TIMEOUT_SECONDS = 5.0
UNSENT_MAX = 1_000

_COLUMNS = ("seq", "head", "signature", "signing_key", "sealed_at")

_lock = threading.Lock()
_unsent: deque[Anchor] = deque(maxlen=UNSENT_MAX)
"""What the address has not taken from this process yet."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """That a seal had this head; the signature over it can be verified without the database."""

    seq: int
    head: bytes
    signature: bytes
    signing_key: str
    sealed_at: datetime

    @classmethod
    def of(cls, seal: AuditSeal) -> Anchor:
        """Return the anchor of a seal."""
        return cls(
            seal.seq, bytes(seal.head), bytes(seal.signature), seal.signing_key, seal.sealed_at
        )

    @classmethod
    def from_json(cls, line: str) -> Anchor:
        """Return the anchor of a line.

        Raises:
            ValueError: the line is no anchor.
        """
        try:
            columns = json.loads(line)
            anchor = cls(
                seq=columns["seq"],
                head=bytes.fromhex(columns["head"]),
                signature=base64.b64decode(columns["signature"], validate=True),
                signing_key=columns["signing_key"],
                sealed_at=datetime.fromisoformat(columns["sealed_at"]),
            )
            is_one = type(anchor.seq) is int and len(anchor.head) == HASH_BYTES
            is_one = is_one and isinstance(anchor.signing_key, str)
        except (KeyError, TypeError, ValueError, RecursionError):
            is_one = False
        if not is_one:
            raise ValueError("not an anchor")
        return anchor

    def as_json(self) -> str:
        """Return the anchor as one line of JSON."""
        columns: dict[str, Any] = {
            "seq": self.seq,
            "head": self.head.hex(),
            "signature": base64.b64encode(self.signature).decode(),
            "signing_key": self.signing_key,
            "sealed_at": self.sealed_at.astimezone(UTC).isoformat(timespec="microseconds"),
        }
        return json.dumps(columns, separators=(",", ":"))


def publish(seal: AuditSeal) -> None:
    """Send the head of a committed seal to the log line, the file and the address.

    Nothing is raised: what fails is logged as an error and sent again with the next seal.
    """
    anchor = Anchor.of(seal)
    logger.info("%s", anchor.as_json())
    if conf.audit.anchor_file:
        _append(anchor)
    if conf.audit.anchor_url:
        _post(anchor)


def newest() -> Anchor | None:
    """Return the anchor with the highest number at the end of the file of the settings.

    None without such a file, or where it cannot be read: that is logged.
    """
    if not conf.audit.anchor_file:
        return None
    try:
        return _newest(Path(conf.audit.anchor_file))
    except (OSError, ValueError) as error:
        logger.error("The anchor file cannot be read: %s.", type(error).__name__)
        return None


def read(path: str | Path) -> list[Anchor]:
    """Return the anchors of a file in their order, each once.

    A line that a crash has torn is left out: it begins like an anchor and does not end.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is no anchor; the message has its number.
    """
    found: dict[Anchor, None] = {}
    text = Path(path).read_text(encoding="ascii")
    for number, line in enumerate(text.splitlines(), 1):
        if _is_torn(line):
            continue
        try:
            found[Anchor.from_json(line)] = None
        except ValueError:
            raise ValueError(f"line {number} is no anchor") from None
    return list(found)


def _is_torn(line: str) -> bool:
    return not line or (line[0] == "{" and line[-1] != "}")


def _newest(path: Path) -> Anchor | None:
    """Look at the end of the file only: it has a line for every seal there ever was."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL_BYTES, 0))
            lines = file.read().decode("ascii").splitlines()
    except FileNotFoundError:
        return None
    whole = lines[1:] if size > TAIL_BYTES else lines
    anchors = [Anchor.from_json(line) for line in whole if not _is_torn(line)]
    return max(anchors, key=lambda anchor: anchor.seq, default=None)


def _append(anchor: Anchor) -> None:
    """Append this anchor, and those before it that the file lacks."""
    path = Path(conf.audit.anchor_file)
    try:
        last = _newest(path)
        after = last.seq if last else 0
        if anchor.seq > after:
            _write(path, _between(after, anchor))
    except (OSError, ValueError, Error) as error:
        logger.error("Seal %d is not in the anchor file: %s.", anchor.seq, type(error).__name__)


def _between(after: int, anchor: Anchor) -> Iterable[Anchor]:
    if anchor.seq > after + 1:
        seals = AuditSeal.objects.using(alias()).filter(seq__gt=after, seq__lt=anchor.seq)
        for seal in seals.only(*_COLUMNS).order_by("seq").iterator(chunk_size=1_000):
            yield Anchor.of(seal)
    yield anchor


def _write(path: Path, anchors: Iterable[Anchor]) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    with os.fdopen(os.open(path, flags, FILE_MODE), "rb+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
            file.write(b"\n")
        left = iter(anchors)
        while lines := "".join(f"{anchor.as_json()}\n" for anchor in islice(left, LINES_PER_WRITE)):
            file.write(lines.encode("ascii"))  # whole lines: another process may append as well
        os.fsync(file.fileno())


def _post(anchor: Anchor) -> None:
    """Post what was not sent yet, the oldest first, until one fails."""
    with _lock:
        waiting = [*_unsent, anchor]
        _unsent.clear()
    for position, next_one in enumerate(waiting):
        if problem := _problem(next_one):
            logger.error("Seal %d is not at the anchor address: %s.", next_one.seq, problem)
            _unsent.extend(waiting[position:])
            return


def _problem(anchor: Anchor) -> str:
    try:
        answer = safe_fetch(
            conf.audit.anchor_url,
            method="POST",
            headers={"Content-Type": "application/json"},
            body=anchor.as_json().encode("ascii"),
            timeout_seconds=TIMEOUT_SECONDS,
            max_redirects=0,
        )
    except (FetchRefused, FetchFailed, ImproperlyConfigured) as error:
        return type(error).__name__
    return "" if answer.status < 300 else f"status {answer.status}"
