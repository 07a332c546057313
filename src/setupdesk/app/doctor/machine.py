"""What may be wrong with the machine: disk, permissions, versions, clocks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from setupdesk.app.doctor import Check, judge, name_some

_MIB = 2**20
BAD_BELOW = 200 * _MIB
WARN_BELOW = 2048 * _MIB
_REMOTE = ("nfs", "cifs", "smb", "fuse", "9p", "afs", "ceph", "gluster", "lustre", "vboxsf")
_LOCAL = ("fuseblk",)
"""NTFS and exFAT on Linux."""

_OLDEST_SQLITE = (3, 35, 0)
_SLACK = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The file system of the home, and what lies in it; bytes."""

    free: int
    file_system: str
    sizes: Mapping[str, int]


def judge_disk(disk: Disk) -> Iterator[Check]:
    """Judge the room that is left, and whether SQLite can rely on the file system."""
    sizes = ", ".join(f"{name} {_say_size(size)}" for name, size in disk.sizes.items())
    left = f"{_say_size(disk.free)} free"
    yield judge(
        "disk",
        f"{left}; {sizes}",
        bad=f"{left}; {sizes}" if disk.free < BAD_BELOW else "",
        warn=f"{left}; {sizes}" if disk.free < WARN_BELOW else "",
        remedy="free some space: nothing is accepted on a full disk",
    )
    is_remote = disk.file_system.startswith(_REMOTE) and disk.file_system not in _LOCAL
    yield judge(
        "file system",
        disk.file_system,
        bad=f"{disk.file_system}, over a network: SQLite can lose what it stored" * is_remote,
        remedy="setupdesk down, move the home to a local disk, setupdesk up",
    )


def judge_permissions(open_to_others: Iterable[str]) -> Check:
    """Judge who may read the home and the keys."""
    opened = list(open_to_others)
    return judge(
        "permissions",
        "the home and its keys are their owner's alone",
        bad=f"open to others: {name_some(opened)}" if opened else "",
        remedy=f"chmod go= {' '.join(opened)}",
    )


def judge_versions(
    versions: Mapping[str, str], sqlite: tuple[int, ...], unmet: Iterable[str]
) -> Check:
    """Judge what is installed; *unmet* are the requirements that something else stands for."""
    faults = list(unmet)
    if sqlite < _OLDEST_SQLITE:
        faults.append(f"SQLite {'.'.join(map(str, _OLDEST_SQLITE))} or newer")
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    return judge(
        "versions",
        said,
        bad=f"{said}; needs {name_some(faults)}" if faults else "",
        remedy="make setup installs the versions that were tested together",
    )


def judge_clocks(
    now: datetime, newest: datetime | None, prefects: datetime | None, *, is_synced: bool | None
) -> Check:
    """Judge whether time goes forward, as far as the ledger and Prefect can tell."""
    back = newest - now if newest and newest - now > _SLACK else None
    apart = abs(prefects - now) if prefects and abs(prefects - now) > _SLACK else None
    unsynced = "the clock is not synchronized" * (is_synced is False)
    return judge(
        "clocks",
        "nothing in the ledger is of the future" + ", synchronized" * bool(is_synced),
        bad=f"the ledger is {_say_span(back)} ahead: the clock went back" if back else "",
        warn=f"Prefect's clock is {_say_span(apart)} apart" if apart else unsynced,
        remedy="timedatectl; run ids and the audit log go on from the newest day all the same",
    )


def _say_size(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / _MIB:,.1f} MiB"


def _say_span(span: timedelta) -> str:
    return str(timedelta(seconds=round(span.total_seconds())))
