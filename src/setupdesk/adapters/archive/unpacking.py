"""Unpacking an archive: nothing is believed that is not as it was packed."""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from setupdesk.adapters.archive import CONTENTS, Contents, Count, create_private
from setupdesk.core.errors import InvalidBackupError

_CHUNK = 2**20


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
    with source, create_private(path) as target:
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
