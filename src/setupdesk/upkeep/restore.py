"""Restore a desk from a backup: all is checked before anything is changed, and nothing is lost."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from setupdesk.adapters import clock
from setupdesk.adapters.archive import Contents
from setupdesk.adapters.archive.unpacking import unpack_archive
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.examination import examine_ledger, load_all_runs
from setupdesk.adapters.ledger.restoring import let_go_of_processes
from setupdesk.adapters.ledger.tables import HEAD
from setupdesk.adapters.parcel import Watch
from setupdesk.adapters.result_store import ResultStore
from setupdesk.core.errors import HomeInUseError, InvalidBackupError
from setupdesk.core.run import RunState
from setupdesk.settings import Settings
from setupdesk.supervisor import keeping_down
from setupdesk.upkeep.backup import ANCHORS, BARS, LEDGER, ROOTS, SETTINGS, Tally

STAGE = ".restore"
"""Where the backup is unpacked and checked, inside the home; a crash leaves it, harmless."""

_BESIDE = (f"{LEDGER}-wal", f"{LEDGER}-shm", "prefect")
"""What belongs to the ledger that is there: Prefect knows its runs by the same names."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the ledger of a backup has, brought to the newest migration."""

    made_by: str
    restarted: list[str]
    waiting: int
    runs: int
    damaged: list[str]


def restore(
    settings: Settings, file: Path, watch: Watch = lambda *_: None, *, replaces: bool = False
) -> dict[str, Any]:
    """Put what *file* holds into the home, and say what waits there.

    What is there already is set aside if it *replaces* that, else ``HomeInUseError`` is raised;
    so it is while a desk runs. A backup that is not whole raises ``InvalidBackupError``.
    """
    home = settings.home
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with keeping_down(settings):
        if not replaces:
            _refuse_to_lose(home, [name for name in ROOTS if name not in (BARS, SETTINGS)])
        stage = home / STAGE
        shutil.rmtree(stage, ignore_errors=True)
        try:
            contents = _unpack(file, stage, watch)
            watch("checking the ledger", 0, 0)
            found = _check(file, stage, contents)
            replaced = _list_replaced(home, stage, contents)
            if not replaces:
                _refuse_to_lose(home, replaced)
            aside = _set_aside(home, replaced)
            _move_in(stage, home)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return {
        "home": str(home),
        "made_at": contents.model_dump(mode="json")["made_at"],
        "made_by": found.made_by,
        "set_aside": str(aside) if aside else None,
        "files": len(contents.members),
        "runs": found.runs,
        "waiting": found.waiting,
        "under_way": found.restarted,
        "damaged": found.damaged,
        "bars": contents.bars,
    }


def _refuse_to_lose(home: Path, names: Iterable[str]) -> None:
    if held := [name for name in names if _holds_something(home / name)]:
        raise HomeInUseError(
            str(home), f"has {', '.join(held)} already", "--replace sets that aside first."
        )


def _holds_something(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _unpack(file: Path, stage: Path, watch: Watch) -> Contents:
    try:
        stage.mkdir(mode=0o700)
        return unpack_archive(file, stage, ROOTS, Tally("unpacking", 0, watch))
    except OSError as error:
        raise InvalidBackupError(file.name, f"{error.strerror}.") from error


def _check(file: Path, stage: Path, contents: Contents) -> _Found:
    ledger = stage / LEDGER
    seen = examine_ledger(ledger, clock.now())
    if seen.faults:
        raise InvalidBackupError(file.name, f"its ledger is damaged: {seen.faults[0]}.")
    if seen.revision > HEAD:
        made_by = f"it was made by setupdesk {contents.setupdesk}, which is newer than this one."
        raise InvalidBackupError(file.name, f"{made_by} Install that version first.")
    engine = open_database(ledger)
    try:
        audit = Anchors(engine, stage / ANCHORS, clock.now).check()
        if not audit["whole"]:
            reason = f"row {audit['broken_at']} of its audit log: {audit['reason']}."
            raise InvalidBackupError(file.name, reason)
        restarted = let_go_of_processes(engine, clock.now)
    finally:
        engine.dispose()
    runs, store = load_all_runs(ledger), ResultStore(stage / "runs")
    return _Found(
        made_by=contents.setupdesk,
        restarted=restarted,
        waiting=sum(row.state is RunState.QUEUED for row in runs),
        runs=len(runs),
        damaged=[
            row.run_id
            for row in runs
            if row.state is RunState.COMPLETED
            and not store.is_whole(row.run_id, row.result_sha256 or "")
        ],
    )


def _list_replaced(home: Path, stage: Path, contents: Contents) -> list[str]:
    # What the backup leaves out, and its ledger does not speak of, stays as it is.
    kept = {BARS} if not contents.bars else set()
    kept |= {SETTINGS} if not (stage / SETTINGS).exists() else set()
    return [name for name in ROOTS if name not in kept and _holds_something(home / name)]


def _set_aside(home: Path, names: Iterable[str]) -> Path | None:
    moved = [name for name in (*names, *_BESIDE) if (home / name).exists()]
    if not moved:
        return None
    aside = home / f"before-restore-{clock.now():%Y%m%dT%H%M%SZ}"
    aside.mkdir(mode=0o700)
    for name in moved:
        (home / name).rename(aside / name)
    return aside


def _move_in(stage: Path, home: Path) -> None:
    # The ledger goes last: without it, nothing of what is there is believed.
    os.sync()
    for path in sorted(stage.iterdir(), key=lambda path: path.name == LEDGER):
        target = home / path.name
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        path.rename(target)
    os.sync()
