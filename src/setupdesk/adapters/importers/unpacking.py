"""Unpacking: what is inside a .gz or .zip, told by its first bytes, never by its name."""

import zlib
from gzip import GzipFile
from io import BytesIO
from typing import IO
from zipfile import BadZipFile, ZipFile

from setupdesk.adapters.importers.rows import NotReadableError

MAX_BYTES = 512 * 2**20
"""A larger file is refused; a packed one is never unpacked further than this."""


def unpack(raw: bytes, max_bytes: int = MAX_BYTES) -> bytes:
    """Give the content of the packed file *raw*, or *raw* itself."""
    try:
        if raw.startswith(b"\x1f\x8b"):
            with GzipFile(fileobj=BytesIO(raw)) as packed:
                return _read(packed, max_bytes)
        if raw.startswith(b"PK\x03\x04"):
            return _unzip(raw, max_bytes)
    except (OSError, EOFError, zlib.error, BadZipFile, RuntimeError, NotImplementedError) as broken:
        raise NotReadableError(f"It cannot be unpacked: {broken}.") from broken
    return _read(BytesIO(raw), max_bytes)


def _unzip(raw: bytes, max_bytes: int) -> bytes:
    with ZipFile(BytesIO(raw)) as archive:
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        if len(names) != 1:
            raise NotReadableError(f"It holds {len(names)} files. Import them one by one.")
        with archive.open(names[0]) as packed:
            return _read(packed, max_bytes)


def _read(source: IO[bytes] | GzipFile, max_bytes: int) -> bytes:
    # One byte more than allowed tells an exact fit from a bomb.
    content = source.read(max_bytes + 1)
    if len(content) > max_bytes:
        limit = f"{max_bytes / 2**20:g} MiB"
        raise NotReadableError(f"It is larger than {limit} when unpacked. Split it.")
    return content
