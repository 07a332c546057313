"""Archives of a desk: one gzipped tar, whose last member names the sha256 of all the others."""

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ValidationError

from setupdesk.core.errors import InvalidBackupError

CONTENTS = "backup.json"
_CHUNK = 2**20
_FAST = 1
"""Columns of bars are small at any level, and ten times slower at the best."""


class Contents(BaseModel, frozen=True):
    """What is in an archive; its last member."""

    format: Literal[1] = 1
    setupdesk: str
    """Version that made it."""

    made_at: datetime
    ledger: str
    """Newest migration of its ledger."""

    bars: bool
    members: dict[str, str] = {}
    """The sha256 of each file."""


Count = Callable[[int], None]
"""Is told of each few bytes that were read."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file, and its place in the archive."""

    name: str
    path: Path


def list_members(folder: Path, name: str) -> Iterator[Member]:
    """List the files below *folder*, the name of which in the archive is *name*.

    Files come before folders, and folders are listed late: what a file names was there before it.
    Drafts and locks, whose names begin with a dot, are no part of it.
    """
    for path in sorted(_list(folder)):
        if path.is_file() and not path.is_symlink():
            yield Member(f"{name}/{path.name}", path)
    for path in sorted(_list(folder)):
        if path.is_dir() and not path.is_symlink():
            yield from list_members(path, f"{name}/{path.name}")


def _list(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return []


def write_archive(
    file: Path, members: Iterable[Member], contents: Contents, count: Count
) -> Contents:
    """Write *file*, whole or not at all, also after a power cut; give its contents, with hashes."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        with _create(draft) as raw:
            with (
                gzip.GzipFile("", "wb", _FAST, raw) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
            ):
                hashes = dict(_add_all(archive, members, count))
                done = contents.model_copy(update={"members": hashes})
                text = done.model_dump_json().encode()
                _add(archive, CONTENTS, BytesIO(text), len(text))
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(file.parent)
    return done


def _add_all(
    archive: tarfile.TarFile, members: Iterable[Member], count: Count
) -> Iterator[tuple[str, str]]:
    for member in members:
        try:
            source = member.path.open("rb")
        except FileNotFoundError:
            # A live desk has deleted it meanwhile.
            continue
        with source:
            size = os.fstat(source.fileno()).st_size
            yield member.name, _add(archive, member.name, source, size, count)


def _add(
    archive: tarfile.TarFile,
    name: str,
    source: IO[bytes],
    size: int,
    count: Count = lambda _: None,
) -> str:
    # A log that grows meanwhile is taken as long as it was.
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    hashing = _Hashing(source, count)
    archive.addfile(entry, hashing)  # type: ignore[arg-type]  # only its read is used
    return hashing.sha256.hexdigest()


class _Hashing:
    """Reads a file, and knows the sha256 of what was read."""

    def __init__(self, source: IO[bytes], count: Count) -> None:
        self.source, self.count, self.sha256 = source, count, hashlib.sha256()

    def read(self, size: int) -> bytes:
        content = self.source.read(size)
        self.sha256.update(content)
        self.count(len(content))
        return content


def unpack_archive(file: Path, folder: Path, roots: Iterable[str], count: Count) -> Contents:
    """Unpack *file* into *folder*, an empty one, and give its contents.

    Raises ``InvalidBackupError`` if anything is not as it was packed, or would be unpacked
    anywhere but below *roots*.
    """
    roots = frozenset(roots)
    with _telling_damage(file), tarfile.open(file, "r:gz") as archive:
        hashes: dict[str, str] = {}
        contents: Contents | None = None
        for entry in archive:
            if contents:
                raise InvalidBackupError(file.name, f"{entry.name!r} comes after its contents.")
            if entry.name == CONTENTS:
                contents = Contents.model_validate_json(_read(archive, entry))
                continue
            _refuse_stranger(file, entry, folder, roots)
            if entry.name in hashes:
                raise InvalidBackupError(file.name, f"it has {entry.name!r} twice.")
            hashes[entry.name] = _unpack(archive, entry, folder, count)
        # To the very end, where gzip has its own checksum.
        while archive.fileobj.read(_CHUNK):
            pass
    if contents is None:
        raise InvalidBackupError(file.name, f"it ends before its {CONTENTS}: a part is missing.")
    _compare(file, hashes, contents.members)
    return contents


def _read(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    source = archive.extractfile(entry)
    return source.read() if source else b""


def _refuse_stranger(
    file: Path, entry: tarfile.TarInfo, folder: Path, roots: frozenset[str]
) -> None:
    parts = entry.name.split("/")
    is_ours = parts[0] in roots and not any(part in ("", ".", "..") for part in parts)
    if not (entry.isreg() and is_ours):
        raise InvalidBackupError(file.name, f"{entry.name!r} is no file of a desk.")
    tarfile.data_filter(entry, str(folder))


def _unpack(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, count: Count) -> str:
    source = archive.extractfile(entry)
    assert source  # noqa: S101 (it is a regular file)
    path, sha256 = folder / entry.name, hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with source, _create(path) as target:
        while content := source.read(_CHUNK):
            sha256.update(content)
            target.write(content)
            count(len(content))
    return sha256.hexdigest()


def _compare(file: Path, hashes: Mapping[str, str], named: Mapping[str, str]) -> None:
    if wrong := sorted(name for name in {*named, *hashes} if named.get(name) != hashes.get(name)):
        more = f" and {len(wrong) - 1:,} more" if wrong[1:] else ""
        raise InvalidBackupError(file.name, f"{wrong[0]}{more} is not what was packed.")


@contextmanager
def _telling_damage(file: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        reason = f"it is cut off, damaged, or no backup ({error})."
        raise InvalidBackupError(file.name, reason) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        reason = f"its {CONTENTS} is not one that this setupdesk reads: {where} {first['msg']}."
        raise InvalidBackupError(file.name, reason) from error


def _create(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
