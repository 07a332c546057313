"""Prefect is down, slow, wrong, or killed in the midst of a call; the dispatcher loses nothing."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from setupdesk.adapters import clock
from setupdesk.adapters.executor_socket import ExecutorSocket
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.adapters.prefect_server import DATABASE, prepare_database
from setupdesk.app.dispatcher import Dispatcher
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door
from setupdesk.core.timeframe import Timeframe
from setupdesk.wiring.desk import DISPATCHED
from tests.conftest import AUTH_STRING, await_server, find_free_port, start_prefect
from tests.faults.stand_in import StandIn
from tests.faults.toxic_proxy import Toxic, ToxicProxy

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

REQUEST = Request(setup_id="IB_raid_v1", symbol="GER40", timeframe=Timeframe.M15, mode=Mode.LIVE)
SEED = 20251031
PATIENCE_SECONDS = 0.5
"""What the dispatcher waits for an answer here; ten seconds in a desk."""

LIES = (Toxic.ERROR_BEFORE, Toxic.ERROR_AFTER, Toxic.LOST, Toxic.SLOW, Toxic.REFUSED)


class Stage:
    """A real Prefect behind a proxy that lies, a real ledger, dispatchers, a stand-in executor."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home, self.port = home, find_free_port()
        self.drawn = random.Random(seed)
        self.kills_left = self.kills = self.creates = 0
        self.turn = cycle(LIES)
        self.lies = 0.0
        ledger = open_database(home / "ledger.db", keeps_connections=True)
        self.engine = ledger
        self.start = StartLedger(ledger, clock.now)
        self.outbox = Outbox(ledger, clock.now)
        self.reads = Reads(ledger)
        self.executor = StandIn(home / "executor.sock", Journal(ledger, clock.now, "executor 1"))
        prepare_database(home / DATABASE)
        self.server = start_prefect(home, self.port)
        self.proxy = ToxicProxy(f"http://127.0.0.1:{self.port}/api", self.draw)
        self.proxy.kill = self.kill_server
        await_server(f"http://127.0.0.1:{self.port}/api", self.server)

    def draw(self, line: str) -> Toxic:
        self.creates += "/create_flow_run" in line
        if self.kills_left and "/create_flow_run" in line and self.creates % 5 == 0:
            self.kills_left -= 1
            return Toxic.KILLED
        return next(self.turn) if self.drawn.random() < self.lies else Toxic.NONE

    def kill_server(self) -> None:
        self.server.kill()
        self.server.wait()
        self.kills += 1
        self.server = start_prefect(self.home, self.port)

    def accept(self) -> str:
        receipt = self.start.accept(REQUEST, {}, "ann", Door.CLI)
        assert receipt.run_id
        return receipt.run_id

    def read_state(self, run_id: str) -> str:
        return str(self.reads.load_run(run_id)["state"])

    def is_done(self) -> bool:
        with self.engine.connect() as connection:
            if connection.exec_driver_sql("SELECT 1 FROM outbox WHERE done_at IS NULL").scalar():
                return False
        states = {run["state"] for run in self.reads.load_runs(2000)}
        return states <= {"completed", "cancelled"}

    def load_flow_runs(self) -> list[dict[str, Any]]:
        """Ask the server itself, by the straight way."""
        api = PrefectApi(f"http://127.0.0.1:{self.port}/api", AUTH_STRING)
        found: list[dict[str, Any]] = []
        while page := api.call("POST", "/flow_runs/filter", {"limit": 200, "offset": len(found)}):
            found += page
        api.close()
        return found


@contextmanager
def staging(home: Path, seed: int = SEED) -> Iterator[Stage]:
    stage = Stage(home, seed)
    stop, wake = Event(), Event()
    with stage.proxy:
        api = PrefectApi(stage.proxy.url, AUTH_STRING, PATIENCE_SECONDS)
        workers = ExecutorSocket(home / "executor.sock")
        threads = [
            Thread(
                target=Dispatcher(stage.outbox, api, workers, 2, kinds).run_for_ever,
                args=(wake, stop),
            )
            for kinds in DISPATCHED
        ]
        for thread in threads:
            thread.start()
        try:
            yield stage
        finally:
            stop.set()
            for thread in threads:
                thread.join(20)
            api.close()
            stage.executor.close()
            stage.server.kill()
            stage.server.wait()
            stage.engine.dispose()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staging(tmp_path) as stage:
        yield stage


def dispatch(stage: Stage, runs: int, *, lies: float, kills: int, seconds: float) -> None:
    """Accept runs, cancel some of them, and check what became of all."""
    stage.lies, stage.kills_left = lies, kills
    run_ids = [stage.accept() for _ in range(runs)]
    cancelled = [run_id for run_id in run_ids[5::10] if stage.outbox.ask_to_cancel(run_id)]
    await_that(stage.is_done, seconds)

    flow_runs = stage.load_flow_runs()
    happened = Counter(toxic.name for _, toxic in stage.proxy.calls)
    print(f"seed {SEED}: {runs} runs, {stage.kills} kills, calls {dict(happened)}")
    names = Counter(flow_run["name"] for flow_run in flow_runs)
    assert sorted(names) == sorted(run_ids)
    assert set(names.values()) == {1}
    assert {each["idempotency_key"] for each in flow_runs} == set(run_ids)
    assert stage.executor.order == [
        each for each in run_ids if stage.read_state(each) == "completed"
    ]
    assert {each["name"] for each in flow_runs if each["state_type"] == "CANCELLED"} == {
        run_id for run_id in cancelled if stage.read_state(run_id) == "cancelled"
    }
    assert stage.kills == kills
    assert happened["NONE"] < len(stage.proxy.calls)


def test_a_prefect_that_lies_and_dies_starts_each_run_once_and_in_turn(stage: Stage) -> None:
    dispatch(stage, 20, lies=0.4, kills=1, seconds=90)

    assert {toxic for _, toxic in stage.proxy.calls} >= set(LIES)


@pytest.mark.faults
def test_forty_kills_of_prefect_in_the_midst_of_a_call_lose_and_double_nothing(
    stage: Stage,
) -> None:
    dispatch(stage, 300, lies=0.2, kills=40, seconds=1800)


def test_a_cancel_waits_for_no_prefect_that_does_not_answer(stage: Stage) -> None:
    stage.executor.way = "holds"
    running = stage.accept()
    await_that(lambda: stage.read_state(running) == "running", 10)
    stage.proxy.poison("POST", Toxic.STUCK)
    stage.accept()
    await_that(lambda: stage.proxy.count(Toxic.STUCK) > 0, 10)

    asked = time.monotonic()
    stage.outbox.ask_to_cancel(running)
    await_that(lambda: stage.read_state(running) == "cancelled", 5)

    assert time.monotonic() - asked < 2


def await_that(is_true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
