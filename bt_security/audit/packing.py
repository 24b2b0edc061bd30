"""Personal data as few bytes: JSON, deflated with a dictionary of what browsers call themselves.

The dictionary is part of the stored format; another one would need another domain in `personal`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

from django.views.decorators.debug import sensitive_variables

LEVEL = 3
WINDOW_BITS = -10
MEMORY_LEVEL = 5
MAX_UNPACKED_BYTES = 1_000_000

DICTIONARY = (
    b"iPad; CPU Android iPhone OS like Mac OS X) Version/ Mobile/15E148 Safari/604.1 Edg/ OPR/ "
    b"Macintosh; Intel Mac OS X 10_15_7) Linux x86_64; rv:) Gecko/20100101 Firefox/ (X11; "
    b"(Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/.0.0.0 "
    b'Safari/537.36@gmail.com@example.com","email":"","label":"{"address":"192.168.'
    b'","agent":"Mozilla/5.0 ('
)

_as_json = json.JSONEncoder(separators=(",", ":")).encode
"""`json.dumps` would make an encoder for every call."""


@sensitive_variables("data", "plain")
def pack(data: Mapping[str, str]) -> bytes:
    """Return the data as bytes. Source: RFC 1951, a raw stream with a preset dictionary."""
    plain = _as_json(data).encode()
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW_BITS, MEMORY_LEVEL, zdict=DICTIONARY)
    return stream.compress(plain) + stream.flush()


@sensitive_variables("plain", "unpacked")
def unpack(packed: bytes) -> dict[str, str]:
    """Return what `pack` was given.

    Raises:
        ValueError: it is not such data, or larger than any that is packed.
    """
    stream = zlib.decompressobj(WINDOW_BITS, zdict=DICTIONARY)
    try:
        plain = stream.decompress(packed, MAX_UNPACKED_BYTES)
    except zlib.error:
        raise ValueError("not packed data") from None
    if not stream.eof:
        raise ValueError("packed data is cut short or too large")
    unpacked: dict[str, str] = json.loads(plain)
    return unpacked
