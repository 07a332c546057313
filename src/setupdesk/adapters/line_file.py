"""Files that grow by lines: written by any number of processes, set aside when they are large."""

import contextlib
import os
from pathlib import Path

LARGEST = 10 * 2**20
"""Bytes; a file that has so many is set aside."""

KEPT = 5
"""How many of those that were set aside are kept."""


def append_line(path: Path, line: bytes) -> int:
    """Append a line, readable by the owner only, in one write; give the size of the file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = open_to_append(path)
    try:
        os.write(descriptor, line)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def open_to_append(path: Path) -> int:
    """Open a file for what comes after all that stands in it; give its descriptor."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def set_aside(path: Path) -> None:
    """Make *path* free: what stands there becomes ``.1``, that becomes ``.2``, the last one goes.

    Another process may do the same at this moment: then it was done.
    """
    for number in range(KEPT - 1, -1, -1):
        older = path.with_name(f"{path.name}.{number}") if number else path
        with contextlib.suppress(FileNotFoundError):
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
