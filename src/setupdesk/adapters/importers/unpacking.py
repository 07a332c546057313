"""Unpacking: what is inside a .gz or .zip, told by its first bytes, never by its name."""

import lzma
import zlib
from collections.abc import Iterator, Sequence
from gzip import GzipFile
from io import BytesIO
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from setupdesk.adapters.importers.rows import NotReadableError
from setupdesk.market.data_set import Skipped
from setupdesk.market.file_names import explain_unwanted

MAX_BYTES = 512 * 2**20
"""A larger file is refused; a packed one is never unpacked further than this."""

_MAX_DEPTH = 3
_BROKEN = (
    *(OSError, EOFError, RuntimeError, NotImplementedError, ValueError),
    *(zlib.error, lzma.LZMAError, BadZipFile),
)


def unpack(
    raw: bytes,
    file_name: str = "",
    max_bytes: int = MAX_BYTES,
    skipped: list[Skipped] | None = None,
) -> list[tuple[str, bytes]]:
    """Give every file that *raw* holds with its path, or *raw* itself.

    The path of a file in an archive goes on from *file_name*, for both may tell its day.
    What an archive has beside its bars is added to *skipped*.
    """
    unpacked = []
    left_alone = [] if skipped is None else skipped
    path = file_name.replace("\\", "/")
    for name, content in _unpack(raw, path, max_bytes, _MAX_DEPTH, left_alone):
        max_bytes -= len(content)
        if max_bytes < 0:
            raise NotReadableError("It is too large when unpacked. Split it.")
        unpacked.append((name, content))
    return unpacked


def unpack_folder(raw: bytes, folder: str) -> list[tuple[str, bytes]]:
    """Give the files of a folder that was sent as one archive, each with its path.

    What is packed in them stays packed, and all are wanted: the sender has chosen them.
    """
    try:
        with ZipFile(BytesIO(raw)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            found = _read_all(archive, entries, MAX_BYTES)
            return [(f"{folder}/{name}".lstrip("/"), content) for name, content in found]
    except _BROKEN as broken:
        raise NotReadableError(f"It is not a folder in a zip archive: {broken}.") from broken


def _unpack(
    raw: bytes, file_name: str, max_bytes: int, depth: int, skipped: list[Skipped]
) -> Iterator[tuple[str, bytes]]:
    if not depth:
        raise NotReadableError("It is packed too often. Unpack it.")
    try:
        if raw.startswith(b"\x1f\x8b"):
            with GzipFile(fileobj=BytesIO(raw)) as packed:
                content = _read(packed, max_bytes)
            inner = file_name.removesuffix(".gz")
            yield from _unpack(content, inner, max_bytes, depth - 1, skipped)
        elif raw.startswith(b"PK\x03\x04"):
            for name, content in _unzip(raw, file_name, max_bytes, skipped):
                inner = f"{file_name}/{name}"
                yield from _unpack(content, inner, max_bytes, depth - 1, skipped)
        else:
            yield file_name, _read(BytesIO(raw), max_bytes)
    except _BROKEN as broken:
        raise NotReadableError(f"It cannot be unpacked: {broken}.") from broken


def _unzip(
    raw: bytes, file_name: str, max_bytes: int, skipped: list[Skipped]
) -> Iterator[tuple[str, bytes]]:
    with ZipFile(BytesIO(raw)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        names = {entry.filename.lower() for entry in entries}
        reasons = [explain_unwanted(entry.filename, names) for entry in entries]
        skipped += [
            Skipped(f"{file_name}/{entry.filename}", reason)
            for entry, reason in zip(entries, reasons, strict=True)
            if reason
        ]
        wanted = [entry for entry, reason in zip(entries, reasons, strict=True) if not reason]
        yield from _read_all(archive, wanted, max_bytes)


def _read_all(
    archive: ZipFile, entries: Sequence[ZipInfo], max_bytes: int
) -> Iterator[tuple[str, bytes]]:
    for entry in entries:
        with archive.open(entry) as packed:
            content = _read(packed, max_bytes)
        max_bytes -= len(content)
        yield entry.filename, content


def _read(source: IO[bytes] | GzipFile, max_bytes: int) -> bytes:
    # One byte more than allowed tells an exact fit from a bomb.
    content = source.read(max_bytes + 1)
    if len(content) > max_bytes:
        limit = f"{max_bytes / 2**20:g} MiB"
        raise NotReadableError(f"It is larger than {limit} when unpacked. Split it.")
    return content
