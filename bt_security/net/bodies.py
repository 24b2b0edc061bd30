"""Bodies of answers: read whole, unpacked, and bounded by what goes in and what comes out."""

from __future__ import annotations

import http.client
import zlib

from bt_security.exceptions import FetchFailed

CHUNK_BYTES = 65_536
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


def read_body(answer: http.client.HTTPResponse, *, max_bytes: int) -> bytes:
    """Return the unpacked body.

    Raises:
        FetchFailed: longer than `max_bytes`, cut short, or not what its encoding says.
    """
    unpacker = _unpacker((answer.getheader("Content-Encoding") or "").strip().lower())
    received_bytes = 0
    content = bytearray()
    while chunk := answer.read1(CHUNK_BYTES):
        received_bytes += len(chunk)
        # One byte more than allowed is enough to see that it is too much.
        most = max_bytes + 1 - len(content)
        content += chunk if unpacker is None else _unpack(unpacker, chunk, most)
        if max(received_bytes, len(content)) > max_bytes:
            raise FetchFailed(f"the answer is longer than {max_bytes} bytes")
    is_unfinished = unpacker is not None and received_bytes and not unpacker.eof
    if answer.length or is_unfinished:
        raise FetchFailed("the answer is cut short")
    return bytes(content)


def _unpacker(encoding: str) -> zlib._Decompress | None:
    if encoding in {"", "identity"}:
        return None
    if encoding in {"gzip", "x-gzip"}:
        return zlib.decompressobj(_GZIP_WINDOW_BITS)
    if encoding == "deflate":
        return zlib.decompressobj()
    raise FetchFailed("the answer has an unknown content encoding")


def _unpack(unpacker: zlib._Decompress, chunk: bytes, most: int) -> bytes:
    try:
        unpacked = unpacker.decompress(chunk, most)
    except zlib.error:
        raise FetchFailed("the answer is not what its content encoding says") from None
    if unpacker.unused_data:
        raise FetchFailed("the answer goes on after its packed content")
    return unpacked
