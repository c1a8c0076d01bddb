"""Undo content encodings of a response body, within limits and without believing it.

Scrapy's own middleware takes a gzip body that was cut short as if it were whole, and undoes any number of
nested encodings; a cut page would later look like a changed firm.
"""

from __future__ import annotations

import zlib

from crawler.errors import BodyError

MAX_LAYERS = 3
CHUNK = 64 * 1024
ACCEPT_ENCODING = "gzip, deflate, br, zstd"


def decode_body(body: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """The body with its content encodings undone.

    Args:
        body: Bytes as they came over the wire.
        content_encoding: The ``Content-Encoding`` header, layers separated by commas.
        max_bytes: Largest size after each layer.

    Raises:
        BodyError: ``too_big`` for a bomb, ``truncated`` for a stream cut short, ``bad_response`` for a wrong,
            unknown or too often repeated encoding.
    """
    layers = [layer.strip().lower() for layer in content_encoding.split(",") if layer.strip()]
    layers = [layer for layer in layers if layer not in {"identity", "none", "utf-8"}]
    if len(layers) > MAX_LAYERS:
        raise BodyError("bad_response", f"{len(layers)} nested content encodings, more than {MAX_LAYERS}")
    for layer in reversed(layers):
        if not body:
            return body
        body = _undo(body, layer, max_bytes)
    return body


def _undo(body: bytes, layer: str, max_bytes: int) -> bytes:
    if layer in {"gzip", "x-gzip"}:
        if not body.startswith(b"\x1f\x8b"):
            if body.lstrip()[:1] == b"<":
                return body  # plain HTML that only says it is gzip; browsers show it
            raise BodyError("bad_response", "said to be gzip and is not")
        return _inflate(body, 31, max_bytes, layer)
    if layer == "deflate":
        try:
            return _inflate(body, 15, max_bytes, layer)
        except BodyError as error:
            if error.outcome != "bad_response":
                raise
            return _inflate(body, -15, max_bytes, layer)  # raw deflate, as some servers send
    if layer == "br":
        return _brotli(body, max_bytes)
    if layer == "zstd":
        return _zstd(body, max_bytes)
    raise BodyError("bad_response", f"unknown content encoding {layer[:40]!r}")


def _inflate(body: bytes, wbits: int, max_bytes: int, name: str) -> bytes:
    out = bytearray()
    rest = body
    while True:
        stream = zlib.decompressobj(wbits)
        try:
            while not stream.eof:
                chunk = stream.decompress(rest, CHUNK)
                out += chunk
                _check(len(out), max_bytes, name)
                rest = stream.unconsumed_tail
                if not chunk and not rest and not stream.eof:
                    raise BodyError("truncated", f"{name} body ends before its stream does")
        except zlib.error as error:
            raise BodyError("bad_response", f"broken {name} body: {error}") from error
        rest = stream.unused_data
        if wbits != 31 or not rest.startswith(b"\x1f\x8b"):  # trailing bytes that are no further member
            return bytes(out)


def _brotli(body: bytes, max_bytes: int) -> bytes:
    import brotli  # type: ignore[import-untyped,unused-ignore]

    stream = brotli.Decompressor()
    out = bytearray()
    try:
        chunk = stream.process(body, output_buffer_limit=CHUNK)
        while True:
            out += chunk
            _check(len(out), max_bytes, "br")
            if stream.is_finished():
                return bytes(out)
            chunk = stream.process(b"", output_buffer_limit=CHUNK)
            if not chunk and not stream.is_finished():
                raise BodyError("truncated", "br body ends before its stream does")
    except brotli.error as error:
        raise BodyError("bad_response", f"broken br body: {error}") from error


def _zstd(body: bytes, max_bytes: int) -> bytes:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        from backports import zstd  # type: ignore[import-not-found,unused-ignore,no-redef]

    out = bytearray()
    stream = zstd.ZstdDecompressor()
    data = body
    try:
        while not stream.eof:
            chunk = stream.decompress(data, max_length=CHUNK)
            data = b""
            out += chunk
            _check(len(out), max_bytes, "zstd")
            if not chunk and stream.needs_input and not stream.eof:
                raise BodyError("truncated", "zstd body ends before its stream does")
    except zstd.ZstdError as error:
        raise BodyError("bad_response", f"broken zstd body: {error}") from error
    return bytes(out)


def _check(size: int, limit: int, name: str) -> None:
    if size > limit:
        raise BodyError("too_big", f"{name} body grows past {limit} bytes")
