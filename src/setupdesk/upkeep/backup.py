"""Back a desk up, also while it runs: into one archive, from which it can be restored."""

import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from setupdesk import __version__
from setupdesk.adapters import clock, machine
from setupdesk.adapters.archive import Contents
from setupdesk.adapters.archive.packing import Member, list_members, write_archive
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.database import copy_database, open_as_it_is
from setupdesk.adapters.ledger.examination import examine_ledger
from setupdesk.adapters.ledger.tables import HEAD
from setupdesk.adapters.parcel import Watch
from setupdesk.app.doctor import find_worst
from setupdesk.app.doctor.ledger import Ledger, judge_audit_log, judge_ledger
from setupdesk.core.errors import NotFoundError
from setupdesk.settings import Settings

LEDGER, ANCHORS, SETTINGS, BARS = "ledger.db", "audit.anchors", "setupdesk.toml", "bars"
FOLDERS = ("runs", "setups", "symbols")
ROOTS = (LEDGER, ANCHORS, SETTINGS, *FOLDERS, BARS)
KEYS = ("api.key", "prefect.key", "webhooks.key", "cookies.key")
LEFT_OUT = (*KEYS, "prefect", "feeds", "cache", "logs")


def back_up(
    settings: Settings, file: Path, watch: Watch = lambda *_: None, *, with_bars: bool = True
) -> dict[str, Any]:
    """Write *file*, an archive of the desk, and say what is in it, and what is wrong with it."""
    if not settings.ledger.exists():
        raise NotFoundError("ledger in", str(settings.home), hint=", so nothing to back up.")
    roots = ROOTS if with_bars else tuple(name for name in ROOTS if name != BARS)
    with TemporaryDirectory(dir=file.absolute().parent, prefix=".backup-") as name:
        copies = Path(name)
        # Each names what stands in the next: anchors rows of the ledger, its rows the results.
        if settings.anchors.exists():
            shutil.copyfile(settings.anchors, copies / ANCHORS)
        watch("copying the ledger", 0, 0)
        copy_database(settings.ledger, copies / LEDGER)
        seen = examine_ledger(copies / LEDGER, clock.now())
        contents = Contents(
            setupdesk=__version__, made_at=clock.now(), ledger=seen.revision, bars=with_bars
        )
        total = sum(machine.measure(settings.home / root) for root in roots)
        members = _list_members(settings.home, copies, roots)
        done = write_archive(file, members, contents, Tally("packing", total, watch))
        faults = _find_faults(seen, copies)
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        "made_at": done.model_dump(mode="json")["made_at"],
        "files": len(done.members),
        "runs": seen.runs,
        "bars": with_bars,
        "left_out": [*LEFT_OUT, *([] if with_bars else [BARS])],
        "faults": faults,
    }


class Tally:
    """Adds up what was packed or unpacked, for whoever watches."""

    def __init__(self, stage: str, total: int, watch: Watch) -> None:
        self.stage, self.total, self.watch, self.done = stage, total, watch, 0

    def __call__(self, size: int) -> None:
        """Take note of *size* more bytes."""
        self.done += size
        self.watch(self.stage, self.done, self.total)


def _list_members(home: Path, copies: Path, roots: tuple[str, ...]) -> Iterator[Member]:
    files = ((LEDGER, copies), (ANCHORS, copies), (SETTINGS, home))
    yield from (Member(name, at / name) for name, at in files if (at / name).exists())
    folders = [name for name in (*FOLDERS, BARS) if name in roots]
    yield from chain.from_iterable(list_members(home / name, name) for name in folders)


def _find_faults(seen: Ledger, copies: Path) -> list[str]:
    checks = list(judge_ledger(seen, HEAD))
    if not seen.faults and seen.revision == HEAD:
        anchors = Anchors(open_as_it_is(copies / LEDGER), copies / ANCHORS, clock.now)
        checks.append(judge_audit_log(anchors.check()))
    # A copy has no journal of its own; everything else is as in the ledger.
    found = [each for each in checks if find_worst([each]) == "bad" and each.name != "durability"]
    return [f"{each.name}: {each.seen}" for each in found]
