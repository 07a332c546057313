"""Dukascopy's packed records: unpacked and read. Importer and feed both know them by this."""

import lzma

import numpy as np

TICK = np.dtype([("ms", ">i4"), ("ask", ">i4"), ("bid", ">i4"), ("asked", ">f4"), ("size", ">f4")])
CANDLE = np.dtype(
    [("s", ">u4"), ("o", ">u4"), ("c", ">u4"), ("l", ">u4"), ("h", ">u4"), ("volume", ">f4")]
)


class BrokenBi5Error(Exception):
    """The bytes are no whole bi5 file, for reasons that a person can understand."""


def read_records(content: bytes, record: np.dtype[np.void], max_bytes: int) -> np.ndarray:
    """Unpack *content* into records; an hour without quotes is a file without a byte."""
    data = _unpack(content, max_bytes)
    if len(data) % record.itemsize:
        raise BrokenBi5Error(
            f"Its {len(data)} bytes are no whole number of records of {record.itemsize} bytes. "
            f"Download it again."
        )
    return np.frombuffer(data, record)


def _unpack(content: bytes, max_bytes: int) -> bytes:
    if not content:
        return b""
    try:
        unpacker = lzma.LZMADecompressor(memlimit=max_bytes)
        data = unpacker.decompress(content, max_bytes + 1)
    except (lzma.LZMAError, MemoryError, EOFError) as broken:
        raise BrokenBi5Error(f"It cannot be unpacked: {broken}.") from broken
    if len(data) > max_bytes:
        raise BrokenBi5Error(f"It is larger than {max_bytes >> 20} MiB when unpacked.")
    if not unpacker.eof and unpacker.needs_input:
        raise BrokenBi5Error("It was cut off. Download it again.")
    return data
