"""Seal and open one value of 64 B and of 4 KiB through the field, against the raw AES-GCM call."""

from __future__ import annotations

import base64
import os
from binascii import a2b_base64
from collections.abc import Callable, Iterable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection

from benchmarks.encryption.models import Row
from benchmarks.measure import Options, Stopwatch, Timed, paired
from benchmarks.report import Line, Result

TARGETS = {("seal", 64): 2.0, ("open", 64): 3.2}


def run(options: Options) -> Result:
    lines: list[Line] = []
    for size, share in ((64, 1), (4096, 5)):
        lines += measure(size, options.field_values // share, options)
    return Result("one value through the field / raw AES-GCM with a random nonce", lines)


def measure(size: int, count: int, options: Options) -> list[Line]:
    """Measure values of one size. What is made is dropped at once, on both sides."""
    field: Any = Row._meta.get_field("body")
    texts = [base64.b64encode(os.urandom(size))[:size].decode() for _ in range(count)]
    sealed = [field.get_db_prep_save(text, connection) for text in texts]
    plain = [text.encode() for text in texts]
    cipher = AESGCM(os.urandom(32))
    boxes = [(nonce, cipher.encrypt(nonce, text, None)) for nonce, text in _nonces(plain)]
    encoded = [text[12:] for text in sealed]
    assert [field.from_db_value(text, None, connection) for text in sealed] == texts

    def raw_seal(content: bytes) -> None:
        nonce = os.urandom(12)
        cipher.encrypt(nonce, content, None)

    def raw_open(box: tuple[bytes, bytes]) -> None:
        cipher.decrypt(box[0], box[1], None)

    seal = each(lambda text: field.get_db_prep_save(text, connection), texts, options)
    reveal = each(lambda text: field.from_db_value(text, None, connection), sealed, options)
    decode = each(lambda text: a2b_base64(text, strict_mode=True), encoded, options)
    name = f"{size} B" if size < 1024 else f"{size // 1024} KiB"
    sealing = paired(seal, each(raw_seal, plain, options), options.repeats)
    opening = paired(reveal, each(raw_open, boxes, options), options.repeats)
    decoding = paired(decode, reveal, options.repeats)
    return [
        Line.of(f"seal {name}", sealing, "us", count=count, at_most=TARGETS.get(("seal", size))),
        Line.of(f"open {name}", opening, "us", count=count, at_most=TARGETS.get(("open", size))),
        Line.of(f"base64 decoding as a share of open {name}", decoding, "us", count=count),
    ]


def _nonces(contents: list[bytes]) -> Iterable[tuple[bytes, bytes]]:
    return ((os.urandom(12), content) for content in contents)


def each(work: Callable[[Any], Any], inputs: list[Any], options: Options) -> Timed:
    """Make a measurement that does `work` on every input."""

    def timed() -> float:
        with Stopwatch(options.clock) as watch:
            for one in inputs:
                work(one)
        return watch.seconds

    return timed
