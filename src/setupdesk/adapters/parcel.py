"""Parcels: files and folders as they are handed to the desk, in one stream of bytes.

A file goes as it is. A folder, or several files, go as one zip archive that packs nothing:
LEAN and Dukascopy keep market, symbol and day in the paths, so these go with them.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO
from zipfile import ZipFile, ZipInfo

from setupdesk.core.errors import InvalidImportError
from setupdesk.market.data_set import Skipped
from setupdesk.market.file_names import explain_unwanted

MAX_BYTES = 256 * 2**20
"""A desk takes no more in one import."""

Watch = Callable[[str, int, int], None]
"""Is told what is done now, how many bytes of it are done, and of how many; 0: not known."""

_CHUNK = 2**20
_TOLD_BY_FOLDERS = re.compile(r"\.bi5$|^\d{8}_([^/]*_)?(quote|trade)\.(zip|csv)$", re.IGNORECASE)
"""Names of Dukascopy and LEAN: even alone, such a file goes with its folders."""

_TELLING_FOLDERS = 4
"""So many folders, with the one that is given, may tell something: ``cfd/oanda/minute/de30eur``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is handed over."""

    name: str
    """Of the file, or the path of the folder as far as it tells something."""

    is_folder: bool
    content: BinaryIO
    size: int
    skipped: tuple[Skipped, ...] = ()

    def chunks(self, stage: str, watch: Watch) -> Iterator[bytes]:
        """Give the bytes from the start, and tell how many are gone in this *stage*."""
        self.content.seek(0)
        done = 0
        while chunk := _read(self.content, self.name):
            yield chunk
            done += len(chunk)
            watch(stage, done, self.size)


@contextmanager
def open_parcel(paths: Sequence[Path], watch: Watch) -> Iterator[Parcel]:
    """Make a parcel of a file, a folder, or several of both.

    Raises ``InvalidImportError`` where something cannot be read or is no file.
    """
    with _reading(_write(paths[0])):
        is_folder = paths[0].is_dir()
    if len(paths) == 1 and not is_folder and not _TOLD_BY_FOLDERS.search(paths[0].name):
        name = _write(Path(paths[0].name))
        with _open(paths[0], name) as content:
            size = os.fstat(content.fileno()).st_size
            yield Parcel(name=name, is_folder=False, content=content, size=size)
        return
    folder, wanted, skipped = _look_through([path.resolve() for path in paths])
    with TemporaryFile() as archive:
        _pack(archive, folder, wanted, watch)
        yield Parcel(
            name=_write(Path(*folder.parts[1:][-_TELLING_FOLDERS:])).removeprefix("."),
            is_folder=True,
            content=archive,
            size=archive.seek(0, os.SEEK_END),
            skipped=tuple(skipped),
        )


def check_size(name: str, size: int) -> None:
    """Raise ``InvalidImportError`` where a desk would not take so many bytes."""
    if size > MAX_BYTES:
        raise InvalidImportError(
            name,
            f"it has more than the {MAX_BYTES >> 20} MiB that a desk takes at once. Pack its "
            f"files as .gz, or import it in parts.",
        )


def _look_through(paths: Sequence[Path]) -> tuple[Path, list[Path], list[Skipped]]:
    folder = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))
    wanted: set[Path] = set()
    skipped: list[Skipped] = []
    for path in paths:
        if path.is_dir():
            found, left_alone = _sift(path)
            wanted.update(found)
            skipped += left_alone
        else:
            wanted.add(path)
    if not wanted:
        names = ", ".join(each.file for each in skipped[:5])
        only = f"it has no files of bars, only {names}" if skipped else "it is empty"
        raise InvalidImportError(folder.name, f"{only}. Give the folder that has the files.")
    return folder, sorted(wanted), skipped


def _sift(folder: Path) -> tuple[list[Path], list[Skipped]]:
    entries = {_write(path.relative_to(folder)): path for path in _walk(folder)}
    names = {name.lower() for name in entries}
    reasons = {
        name: explain_unwanted(name, names) or _explain_kind(path, folder)
        for name, path in sorted(entries.items())
    }
    skipped = [Skipped(name, reason) for name, reason in reasons.items() if reason]
    return [entries[name] for name, reason in reasons.items() if not reason], skipped


def _walk(folder: Path) -> Iterator[Path]:
    with _reading(_write(folder)):
        entries = list(folder.iterdir())
    for entry in entries:
        # What is hidden, and a link to a folder, is named as a whole and never entered.
        is_closed = entry.is_symlink() or explain_unwanted(entry.name) == "hidden"
        if entry.is_dir() and not is_closed:
            yield from _walk(entry)
        else:
            yield entry


def _explain_kind(path: Path, folder: Path) -> str | None:
    if not Path(os.path.realpath(path)).is_relative_to(folder):
        return "a link out of the folder"
    if path.is_dir():
        return "a link to a folder"
    return None if path.is_file() else "not a regular file"


def _pack(archive: IO[bytes], folder: Path, files: Sequence[Path], watch: Watch) -> None:
    with _reading(_write(folder)):
        total = sum(path.stat().st_size for path in files)
    check_size(folder.name, total)
    done = 0
    with ZipFile(archive, "w") as target:
        for path in files:
            name = _write(path.relative_to(folder))
            # Without its time: the same files are the same parcel.
            with _open(path, name) as content, target.open(ZipInfo(name), "w") as packed:
                while chunk := _read(content, name):
                    packed.write(chunk)
                    done += len(chunk)
                    watch("reading", done, total)


def _write(path: Path) -> str:
    # Names may have bytes that are no text, which nothing else could write down.
    return os.fsencode(path.as_posix()).decode(errors="replace")


def _open(path: Path, name: str) -> BinaryIO:
    with _reading(name):
        return path.open("rb")


def _read(content: BinaryIO, name: str) -> bytes:
    with _reading(name):
        return content.read(_CHUNK)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidImportError(name, f"it cannot be read: {error.strerror}.") from error
