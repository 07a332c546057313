"""A home with runs in every state, bars, a rule and a symbol, made without a single process."""

import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.result_store import ResultStore
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door
from setupdesk.core.timeframe import Timeframe
from setupdesk.settings import Settings, load_settings
from setupdesk.upkeep.doctor import examine

REQUEST = Request(
    setup_id="IB_raid_v1",
    symbol="GER40",
    timeframe=Timeframe.M15,
    mode=Mode.BACKTEST,
    start=date(2025, 5, 1),
    end=date(2025, 10, 3),
)


def settings_of(home: Path) -> Settings:
    return load_settings({"SETUPDESK_HOME": str(home)})


def build_home(home: Path, now: Callable[[], datetime] = clock.now) -> list[str]:
    """Give the run_ids: the first completed, the second begun, the third waiting."""
    home.mkdir(mode=0o700)
    settings = settings_of(home)
    ledger = open_database(settings.ledger)
    start = StartLedger(
        ledger, now, hands_over=True, anchors=Anchors(ledger, settings.anchors, now)
    )
    run_ids = [str(start.accept(REQUEST, {}, "ann", Door.CLI).run_id) for _ in range(3)]
    journal = Journal(ledger, now, f"inline {os.getpid()}")
    for run_id in run_ids[:2]:
        journal.begin(run_id)
    draft = ResultStore(settings.runs).draft(run_ids[0], {"trades": [], "note": "é" * 100})
    journal.finish_completed(run_ids[0], {"trades": 0}, draft)
    for name in ("setups/mine_v1.yaml", "symbols/MINE.toml", "bars/MINE/M1/0f/close.npy"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_bytes(os.urandom(3000))
    (home / "setupdesk.toml").write_text('owner = "ann"\n')
    return run_ids


def change(home: Path, *statements: str) -> None:
    """Do to the ledger what only somebody can who has the file."""
    with sqlite3.connect(home / "ledger.db") as connection:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in connection.execute(triggers).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def examine_home(home: Path) -> dict[str, dict[str, Any]]:
    return {check["check"]: check for check in examine(settings_of(home))["checks"]}


def find_not_ok(home: Path) -> dict[str, tuple[str, str]]:
    found = examine_home(home).values()
    return {one["check"]: (one["grade"], one["seen"]) for one in found if one["grade"] != "ok"}


def list_files(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not path.name.startswith(("ledger.db", "desk.lock"))
    }


NOON = datetime(2025, 10, 31, 12, tzinfo=UTC)
