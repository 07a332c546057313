"""The machine as the doctor sees it: file system, permissions, installed versions."""

import platform
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from ipaddress import ip_address
from pathlib import Path

from packaging.requirements import Requirement

from setupdesk import __version__
from setupdesk.app.doctor.machine import Disk

SQLITE = sqlite3.sqlite_version_info
_SYNCED = Path("/run/systemd/timesync/synchronized")
_TIMESYNC = _SYNCED.parent


def see_disk(home: Path, parts: Mapping[str, Path]) -> Disk:
    """See the file system of *home*, and how large each of its *parts* is."""
    return Disk(
        free=shutil.disk_usage(home).free,
        file_system=_find_file_system(home, Path("/proc/self/mounts").read_text()),
        sizes={name: measure(path) for name, path in parts.items()},
    )


def measure(path: Path) -> int:
    """Give the size of a file, or of all files below a folder; what is gone counts as nothing."""
    paths = path.rglob("*") if path.is_dir() else [path]
    return sum(size for each in paths if (size := _size(each)))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0


def _find_file_system(path: Path, mounts: str) -> str:
    # Of two mounts on one place the later one is seen.
    found, longest = "unknown", -1
    for line in mounts.splitlines():
        _, place, kind = line.split()[:3]
        mount = Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place))
        if path.resolve().is_relative_to(mount) and len(mount.parts) >= longest:
            found, longest = kind, len(mount.parts)
    return found


def find_open(paths: Iterable[Path]) -> list[str]:
    """Find which of *paths* somebody else than their owner may read or write."""
    return [str(path) for path in paths if path.exists() and path.stat().st_mode & 0o077]


def find_listeners(port: int) -> list[str]:
    """Find the addresses on which this machine listens at *port*, as the kernel lists them."""
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    rows = [line.split() for path in tables if path.exists() for line in _rows_of(path)]
    local = [row[1].split(":") for row in rows if row[3] == _LISTENS]
    return [_read_address(address) for address, at in local if int(at, 16) == port]


_LISTENS = "0A"


def _rows_of(path: Path) -> list[str]:
    return path.read_text().splitlines()[1:]


def _read_address(text: str) -> str:
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    # Each word of 32 bits is written in the order of the machine's bytes.
    return str(ip_address(b"".join(w[::-1] if sys.byteorder == "little" else w for w in words)))


def list_versions() -> dict[str, str]:
    """List the versions that matter."""
    return {
        "setupdesk": __version__,
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "Prefect": version("prefect"),
        "FastAPI": version("fastapi"),
    }


def find_unmet() -> list[str]:
    """Find what this version of the desk requires and is not installed so."""
    return list(_find_unmet(requires("setupdesk") or ()))


def _find_unmet(requirements: Iterable[str]) -> Iterator[str]:
    for wanted in map(Requirement, requirements):
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            found = "missing"
        if found == "missing" or not wanted.specifier.contains(found, prereleases=True):
            yield f"{wanted.name}{wanted.specifier} ({found})"


def read_process_state(pid: int) -> str:
    """Read the kernel's letter for what a process does, ``T`` if it is stopped; empty if gone."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_clock_synced() -> bool | None:
    """Say whether systemd has set the clock by the network; None where it does not do that."""
    return _SYNCED.exists() if _TIMESYNC.is_dir() else None
