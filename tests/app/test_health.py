import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters import clock
from setupdesk.app.doctor.processes import Process
from setupdesk.app.health import ShowHealth
from setupdesk.core.run import Door
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import Desk, build_desk
from setupdesk.wiring.works import watching

PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}


class Answers:
    """A Prefect and an executor that answer."""

    def is_ready(self) -> bool:
        return True

    def ping(self) -> list[str]:
        return ["run_2025_10_31_001"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    settings = load_settings({"SETUPDESK_HOME": str(tmp_path), "SETUPDESK_PREFECT_PORT": "1"})
    built = build_desk(settings, hands_over=True)
    yield built
    built.close()


@contextmanager
def answered(desk: Desk) -> Iterator[ShowHealth]:
    with watching(desk) as show:
        yield replace(show, prefect=Answers(), executor=Answers())


def checks_of(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["check"]: (one["grade"], one["seen"]) for one in found["checks"]}


def test_a_desk_alone_is_not_well_and_says_what_does_not_answer(desk: Desk) -> None:
    with watching(desk) as show:
        found = show()

    assert found["status"] == "unwell"
    assert found["bad"] == ["prefect answers", "executor answers"]
    assert checks_of(found)["executor answers"][1].endswith("it is not up yet")
    assert all(one["remedy"] for one in found["checks"] if one["grade"] == "bad")


def test_a_desk_whose_parts_answer_is_well(desk: Desk) -> None:
    with answered(desk) as show:
        found = show()

    assert (found["status"], found["bad"]) == ("ok", [])
    assert checks_of(found) == {
        "ledger": ("ok", "it can be read"),
        "errands": ("ok", "0 errands to do"),
        "scheduler": ("ok", "it is not behind"),
        "prefect answers": ("ok", "yes"),
        "executor answers": ("ok", "yes, it holds 1 run"),
    }


def test_runs_that_wait_for_their_turn_are_no_illness_and_errands_that_fail_are(
    desk: Desk, tmp_path: Path
) -> None:
    desk.data_desk.simulate_bars(MARKET)
    desk.start(PAYLOAD, user="ann", door=Door.CLI)

    with answered(desk) as show:
        late = replace(show, clock=lambda: clock.now() + timedelta(seconds=70))
        waiting = late()
        with sqlite3.connect(tmp_path / "ledger.db") as ledger:
            ledger.execute("UPDATE outbox SET last_error = 'Prefect cannot be reached'")
        early, stuck = show(), late()

    assert checks_of(waiting)["errands"] == ("ok", "1 errand to do, the oldest for 70 s")
    assert early["bad"] == []
    assert stuck["bad"] == ["errands"]
    assert checks_of(stuck)["errands"][1].endswith("70 s: Prefect cannot be reached")


def test_a_ledger_that_cannot_be_read_is_said(desk: Desk, tmp_path: Path) -> None:
    with answered(desk) as show:
        desk.outbox.engine.dispose()
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / "ledger.db").touch()
        found = show()

    assert found["bad"] == ["ledger"]
    assert "The ledger cannot be used now" in checks_of(found)["ledger"][1]


def test_a_process_that_is_gone_is_said(desk: Desk) -> None:
    gone = Process(name="executor", state="ready", pid=7, is_alive=False)

    with answered(desk) as show:
        found = replace(show, find_processes=lambda: [gone])()

    assert found["bad"] == ["executor"]
