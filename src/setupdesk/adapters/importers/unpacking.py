"""Unpacking: what is inside a .gz or .zip, told by its first bytes, never by its name."""

import lzma
import zlib
from collections.abc import Iterator
from gzip import GzipFile
from io import BytesIO
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from setupdesk.adapters.importers.rows import NotReadableError

MAX_BYTES = 512 * 2**20
"""A larger file is refused; a packed one is never unpacked further than this."""

_MAX_DEPTH = 3
_BROKEN = (
    *(OSError, EOFError, RuntimeError, NotImplementedError, ValueError),
    *(zlib.error, lzma.LZMAError, BadZipFile),
)


def unpack(raw: bytes, file_name: str = "", max_bytes: int = MAX_BYTES) -> list[tuple[str, bytes]]:
    """Give every file that *raw* holds with its path, or *raw* itself.

    The path of a file in an archive goes on from *file_name*, for both may tell its day.
    """
    unpacked = []
    for name, content in _unpack(raw, file_name.replace("\\", "/"), max_bytes, _MAX_DEPTH):
        max_bytes -= len(content)
        if max_bytes < 0:
            raise NotReadableError("It is too large when unpacked. Split it.")
        unpacked.append((name, content))
    return unpacked


def _unpack(raw: bytes, file_name: str, max_bytes: int, depth: int) -> Iterator[tuple[str, bytes]]:
    if not depth:
        raise NotReadableError("It is packed too often. Unpack it.")
    try:
        if raw.startswith(b"\x1f\x8b"):
            with GzipFile(fileobj=BytesIO(raw)) as packed:
                content = _read(packed, max_bytes)
            yield from _unpack(content, file_name.removesuffix(".gz"), max_bytes, depth - 1)
        elif raw.startswith(b"PK\x03\x04"):
            for name, content in _unzip(raw, max_bytes):
                yield from _unpack(content, f"{file_name}/{name}", max_bytes, depth - 1)
        else:
            yield file_name, _read(BytesIO(raw), max_bytes)
    except _BROKEN as broken:
        raise NotReadableError(f"It cannot be unpacked: {broken}.") from broken


def _unzip(raw: bytes, max_bytes: int) -> Iterator[tuple[str, bytes]]:
    with ZipFile(BytesIO(raw)) as archive:
        entries = archive.infolist()
        names = {entry.filename.lower() for entry in entries}
        for entry in entries:
            if not _is_beside_the_point(entry, names):
                with archive.open(entry) as packed:
                    content = _read(packed, max_bytes)
                max_bytes -= len(content)
                yield entry.filename, content


def _is_beside_the_point(entry: ZipInfo, names: set[str]) -> bool:
    # HistData adds a report on the gaps, macOS its own notes.
    name = entry.filename.lower()
    is_report = name.endswith(".txt") and f"{name.removesuffix('.txt')}.csv" in names
    return entry.is_dir() or is_report or name.startswith("__macosx/")


def _read(source: IO[bytes] | GzipFile, max_bytes: int) -> bytes:
    # One byte more than allowed tells an exact fit from a bomb.
    content = source.read(max_bytes + 1)
    if len(content) > max_bytes:
        limit = f"{max_bytes / 2**20:g} MiB"
        raise NotReadableError(f"It is larger than {limit} when unpacked. Split it.")
    return content
