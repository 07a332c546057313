"""Drills of the way from the outbox to the result, in one process that dies only in part.

``python -m tests.faults.handing_over FOLDER DRILL [BUG]`` prints what was found wrong as JSON. The
dispatcher dies at a call by an exception that nothing catches, and a new one takes over; an
executor dies in the midst of a run by another.
"""

import hashlib
import json
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.workers import Workers
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.adapters.result_store import Draft, ResultStore
from setupdesk.app.dispatcher import Dispatcher
from setupdesk.app.flow_body import FlowBody
from setupdesk.app.reaper import ROUND_SECONDS, SILENCE_SECONDS, Reaper
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door, RunState
from setupdesk.core.timeframe import Timeframe
from tests.faults.children import make_home
from tests.faults.engine_bugs import BUGS
from tests.faults.small_prefect import SmallPrefect

REQUEST = Request(
    setup_id="IB_raid_v1", symbol="GER40", timeframe=Timeframe.M15, mode=Mode.BACKTEST
)
REPORT = {
    "statistics": {"trades": 1, "total_r": 0.0, "expectancy_r": 0.0, "expectancy_interval": None},
    "verdict": {"code": "none"},
}
STEPS = 200


class Death(BaseException):
    """A process is gone from one moment to the next."""


class Desk:
    """A ledger, a dispatcher, an executor that carries out what it is given at once."""

    def __init__(self, home: Path, prefect: SmallPrefect) -> None:
        self.home, self.prefect = make_home(home), prefect
        self.engine = open_database(home / "ledger.db")
        self.results = ResultStore(home / "runs")
        self.begun: Counter[str] = Counter()
        self.calls = count(1)
        self.dies_at: tuple[int, str] = (0, "")
        self.die_in_run: Callable[[str], None] = lambda _run_id: None
        self.outbox = Outbox(self.engine, clock.now)
        self.workers = Workers(self.engine, clock.now)
        self.new_executor()

    def new_executor(self) -> None:
        self.worker = self.workers.register(1)
        self.journal = Journal(self.engine, clock.now, self.worker)

    def accept(self) -> str:
        ledger = StartLedger(self.engine, clock.now)
        return str(ledger.accept(REQUEST, {}, "ann", Door.API).run_id)

    def run(self, run_id: str, _flow_run_id: str, _flow: str) -> None:
        """Be the executor: carry the run out, unless that was done."""
        if self.journal.is_final(run_id):
            return
        with suppress(Death):
            FlowBody(self.journal, self.carry_out, self.results)(run_id)
            return
        self.new_executor()

    def carry_out(self, run: Any) -> dict[str, Any]:
        self.begun[run.run_id] += 1
        self.die_in_run(run.run_id)
        return REPORT

    def cancel(self, _run_id: str) -> bool:
        return False

    def work(self) -> None:
        """Be the dispatcher, and its successor whenever it dies, until nothing is to be done."""
        self.outbox.take_over()
        api = PrefectApi(self.prefect.url, "desk:key")
        call, run = api.call, self.run
        api.call = partial(self.risk, call)  # type: ignore[method-assign]
        self.run = partial(self.risk, run)  # type: ignore[method-assign]
        dispatcher = Dispatcher(self.outbox, api, self, 2, ("start", "settle"))
        try:
            for _ in range(STEPS):
                if not dispatcher.work_once():
                    return
        finally:
            self.run = run  # type: ignore[method-assign]
            api.close()

    def work_to_the_end(self) -> None:
        for _ in range(STEPS):
            with suppress(Death):
                self.work()
                return

    def risk(self, deed: Callable[..., Any], *words: Any) -> Any:
        """Do something outside, or die before or after it."""
        number = next(self.calls)
        if self.dies_at == (number, "before"):
            raise Death
        done = deed(*words)
        if self.dies_at == (number, "after"):
            raise Death
        return done

    def load(self, query: str) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self.home / "ledger.db")) as ledger:
            ledger.row_factory = sqlite3.Row
            return ledger.execute(query).fetchall()


def judge(desk: Desk) -> list[str]:
    faults = []
    for run in desk.load("SELECT * FROM run"):
        run_id, state = run["run_id"], RunState(run["state"])
        if not state.is_final:
            faults.append(f"lost: {run_id} is {state}")
        if desk.prefect.count(run_id) > 1:
            faults.append(f"doubled: {run_id} has {desk.prefect.count(run_id)} flow runs")
        if desk.begun[run_id] > min(run["attempt"], 2):
            faults.append(f"doubled: {run_id} began {desk.begun[run_id]} times")
        report = desk.home / "runs" / run_id / "report.json"
        sha256 = hashlib.sha256(report.read_bytes()).hexdigest() if report.exists() else None
        if run["result_sha256"] != sha256:
            faults.append(f"results: {run_id} is {state}, its report {sha256}")
    still = desk.load("SELECT * FROM outbox WHERE done_at IS NULL")
    return faults + [f"unfinished: {errand['kind']} of {errand['run_id']}" for errand in still]


def kill_dispatchers(folder: Path, prefect: SmallPrefect) -> list[str]:
    """A dispatcher dies before or after each call that it makes outside."""
    faults: list[str] = []
    for number in range(1, 7):
        for when in ("before", "after"):
            desk = Desk(folder / f"{number} {when}", prefect)
            prefect.flow_runs, prefect.by_key = {}, {}
            for _ in range(2):
                desk.accept()
            desk.dies_at = (number, when)
            desk.work_to_the_end()
            faults += judge(desk)
    return faults


def kill_executors(folder: Path, prefect: SmallPrefect, deaths: int = 1) -> list[str]:
    """An executor dies in the midst of a run, *deaths* times."""
    desk = Desk(folder / str(deaths), prefect)
    left = iter(range(deaths))

    def die(_run_id: str) -> None:
        if next(left, None) is not None:
            raise Death

    desk.die_in_run = die
    run_id = desk.accept()
    desk.work_to_the_end()
    wanted = RunState.COMPLETED if deaths < 2 else RunState.CRASHED
    [run] = desk.load("SELECT state FROM run")
    faults = judge(desk)
    if run["state"] != wanted:
        faults.append(f"retries: {run_id} is {run['state']} after {deaths} deaths")
    return faults + (kill_executors(folder, prefect, 3) if deaths == 1 else [])


def die_while_storing(folder: Path, prefect: SmallPrefect) -> list[str]:
    """An executor dies just before its report has its name, or just after."""
    faults: list[str] = []
    publish = Draft.publish
    for when in ("before", "after"):
        desk, deaths = Desk(folder / when, prefect), iter((1,))

        def store(self: Draft, when: str = when, deaths: Any = deaths) -> None:
            dies = next(deaths, 0)
            if dies and when == "before":
                raise Death
            publish(self)
            if dies:
                raise Death

        Draft.publish = store  # type: ignore[method-assign]
        desk.accept()
        desk.work_to_the_end()
        faults += judge(desk)
    return faults


def be_late(folder: Path, prefect: SmallPrefect) -> list[str]:
    """A dispatcher comes back to its errand when another one has it."""
    desk = Desk(folder / "late", prefect)
    desk.accept()
    late = desk.outbox.take_due(("start",))
    other = Outbox(desk.engine, lambda: clock.now() + timedelta(seconds=30))
    taken = other.take_due(("start",))
    assert late
    assert taken
    desk.outbox.finish(late)
    desk.outbox.postpone(late, "it was slow", timedelta(seconds=40))
    [errand] = desk.load("SELECT * FROM outbox")
    if errand["done_at"] or errand["last_error"] or not errand["lease_until"]:
        return [f"fence: a late dispatcher wrote {dict(errand)}"]
    return []


def wake_up(folder: Path, prefect: SmallPrefect) -> list[str]:
    """An executor that was taken for dead finishes a run that another one has."""
    desk = Desk(folder / "zombie", prefect)
    run_id = desk.accept()
    frozen, name = desk.journal, desk.worker
    frozen.begin(run_id)
    desk.workers.end(name, "it gave no sign of life")
    desk.new_executor()
    desk.journal.begin(run_id)
    draft = desk.results.draft(run_id, {"by": "the dead"})
    frozen.note_stage(run_id, "from the grave")
    frozen.finish_completed(run_id, {}, draft)
    frozen.lay_to_rest(run_id, "its process was killed")
    [run] = desk.load("SELECT * FROM run")
    faults = []
    if run["state"] != "running" or run["stage"]:
        faults.append(f"zombie: {run_id} is {run['state']}, {run['stage']}")
    if (desk.home / "runs" / run_id / "report.json").exists():
        faults.append(f"zombie: {run_id} has a report of the dead")
    return faults


def set_clock(folder: Path, prefect: SmallPrefect) -> list[str]:
    """The wall clock is set forward while an executor beats as it should."""
    desk = Desk(folder / "clock", prefect)
    true_now, steady = clock.now, [1000.0]
    reaper = Reaper(desk.workers, lambda: None, steady_clock=lambda: steady[0])
    try:
        for second in range(0, 120, int(ROUND_SECONDS)):
            steady[0] += ROUND_SECONDS
            ahead = timedelta(hours=second // 32)
            clock.now = lambda ahead=ahead: true_now() + ahead  # type: ignore[misc]
            if second % 6 == 0:
                desk.workers.beat(desk.worker)
            reaper.look()
    finally:
        clock.now = true_now
    alive = [] if desk.workers.load_beats() else ["false: a living executor was ended"]
    steady[0] += ROUND_SECONDS
    for _ in range(int(SILENCE_SECONDS / ROUND_SECONDS) + 2):
        reaper.look()
        steady[0] += ROUND_SECONDS
    return alive + (["late: a dead executor was not ended"] if desk.workers.load_beats() else [])


def cancel_and_kill(folder: Path, prefect: SmallPrefect) -> list[str]:
    """A run is cancelled, and its executor dies before it has stopped it."""
    desk = Desk(folder / "cancelled", prefect)
    run_id = desk.accept()

    def cancel_and_die(run_id: str) -> None:
        desk.outbox.ask_to_cancel(run_id)
        raise Death

    desk.die_in_run = cancel_and_die
    desk.work_to_the_end()
    [run] = desk.load("SELECT state FROM run")
    return [] if run["state"] == "cancelled" else [f"cancels: {run_id} is {run['state']}"]


def use_real_executor(folder: Path, _prefect: SmallPrefect) -> list[str]:
    """A run is given to the executor's own loop."""
    from tests.faults.ward import open_ward

    with open_ward(make_home(folder / "ward"), *sys.argv[3:]) as ward:
        (ward.home / "busy").unlink()
        ward.raise_one("real")
        run_id, deadline = ward.accept(), time.monotonic() + 10
        while (state := ward.load_run(run_id)["state"]) != "completed":
            if time.monotonic() > deadline:
                return [f"lost: {run_id} is {state}"]
            time.sleep(0.1)
    return []


DRILLS = {
    drill.__name__: drill
    for drill in (
        *(kill_dispatchers, kill_executors, die_while_storing, be_late, wake_up, set_clock),
        *(cancel_and_kill, use_real_executor),
    )
}


def main() -> None:
    folder, drill, *planted = sys.argv[1:]
    for name in planted:
        BUGS[name]()
    prefect = SmallPrefect()
    print(json.dumps(DRILLS[drill](Path(folder), prefect)))
    prefect.close()


if __name__ == "__main__":
    main()
