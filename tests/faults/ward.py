"""A ward of executors on one ledger, which the dispatcher and the reaper of a desk look after."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from setupdesk.adapters import clock
from setupdesk.adapters.executor_socket import ExecutorSocket
from setupdesk.adapters.ledger.database import open_database, writing
from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.adapters.ledger.processes import has_process
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.workers import Workers
from setupdesk.app.dispatcher import Dispatcher
from setupdesk.app.ports import EngineUnavailableError
from setupdesk.app.reaper import Reaper
from setupdesk.core.request import parse_request
from setupdesk.core.run import Door
from tests.faults.deliveries import build_offer, build_payload
from tests.faults.real_desk import wait_until

NOBODY = "00000000-0000-0000-0000-000000000001"

LIKE_AN_EXECUTOR = (sys.executable, "-X", "setupdesk.executor")
"""What only looks like a child of an executor by its command line may be killed as one."""


class Silence:
    """A flow engine that knows nothing, and says yes to everything."""

    def create_flow_run(self, _flow_name: str, _run_id: str, _tags: object) -> str:
        return NOBODY

    def reopen(self, flow_run_id: str) -> None:
        pass

    def settle(self, flow_run_id: str, state: str, message: str) -> None:
        pass


@dataclass
class Executor:
    """One executor of the ward, and what was done to it."""

    name: str
    kind: str
    pid: int
    run_id: str = ""
    hit_at: float = 0.0
    is_frozen: bool = False
    is_dismissed: bool = False
    reported_after: float = 0.0

    @property
    def is_unharmed(self) -> bool:
        return not self.hit_at and not self.is_dismissed


@dataclass
class Ward:
    """Executors on one ledger, with the dispatcher and the reaper of a desk."""

    home: Path
    engine: Engine
    nursery: subprocess.Popen[bytes]
    executors: list[Executor] = field(default_factory=list)
    turns: Iterator[int] = field(default_factory=count)
    is_raising: bool = False
    """A lone executor is about to begin its run, which nobody else may then."""

    def raise_one(self, kind: str) -> Executor:
        """Bring up one executor; a lone one gets a run of its own at once."""
        self.is_raising = kind == "lone"
        name = f"e{len(self.executors)}"
        executor = Executor(name, kind, 0)
        if kind == "lone":
            executor.run_id = self.accept()
            (self.home / f"{name}.run").write_text(executor.run_id)
        assert self.nursery.stdin
        assert self.nursery.stdout
        self.nursery.stdin.write(json.dumps({"kind": kind, "name": name}).encode() + b"\n")
        self.nursery.stdin.flush()
        executor.pid = int(self.nursery.stdout.readline())
        self.executors.append(executor)
        if kind == "lone":
            wait_until(lambda: self.load_run(executor.run_id)["state"] == "running", 30)
        else:
            wait_until((self.home / f"{name}.sock").exists, 30)
        self.is_raising = False
        return executor

    def accept(self) -> str:
        ledger = StartLedger(self.engine, clock.now)
        payload = build_payload(random.Random(1))
        request = parse_request(payload, build_offer())
        return str(ledger.accept(request, payload, "ann", Door.API).run_id)

    # The executors, as the dispatcher sees them: each run goes to the next that nobody has hit.
    def run(self, run_id: str, flow_run_id: str, flow: str) -> None:
        fit = [one for one in self.executors if one.kind == "real" and one.is_unharmed]
        if not fit or self.is_raising:
            raise EngineUnavailableError("the executors", "none may be asked now")
        chosen = fit[next(self.turns) % len(fit)]
        ExecutorSocket(self.home / f"{chosen.name}.sock").run(run_id, flow_run_id, flow)

    def cancel(self, _run_id: str) -> bool:
        return False

    def load_runs(self) -> dict[str, Mapping[str, Any]]:
        with closing(sqlite3.connect(self.home / "ledger.db")) as ledger:
            ledger.row_factory = sqlite3.Row
            return {row["run_id"]: row for row in ledger.execute("SELECT * FROM run")}

    def load_run(self, run_id: str) -> Mapping[str, Any]:
        return self.load_runs()[run_id]

    def load_workers(self) -> dict[int, Mapping[str, Any]]:
        """Load the ledger's list of executors by pid."""
        with closing(sqlite3.connect(self.home / "ledger.db")) as ledger:
            ledger.row_factory = sqlite3.Row
            return {row["pid"]: row for row in ledger.execute("SELECT * FROM worker")}

    def hit(self, executor: Executor, number: signal.Signals) -> None:
        # One that stands still with the ledger's lock in its hand would hold up all others.
        with writing(self.engine):
            os.kill(executor.pid, number)
        executor.hit_at, executor.is_frozen = time.monotonic(), number == signal.SIGSTOP

    def wake(self, executor: Executor) -> None:
        os.kill(executor.pid, signal.SIGCONT)

    def has_woken(self, executor: Executor) -> bool:
        """Say whether a lone one got as far as to try to write the end of its run."""
        return (self.home / f"{executor.name}.woke").exists()

    def dismiss(self, executor: Executor) -> None:
        """Let one go as a desk does that is stopped; nobody is given to it any more."""
        executor.is_dismissed = True
        os.kill(executor.pid, signal.SIGTERM)
        wait_until(lambda: not has_process(executor.pid), 30)

    def await_reports(self, victims: list[Executor], seconds: float) -> None:
        """Wait until the ledger has each victim's end, and note how long that took."""
        waiting = list(victims)
        while waiting:
            assert time.monotonic() - waiting[0].hit_at < seconds, waiting
            workers = self.load_workers()
            for executor in [one for one in waiting if workers[one.pid]["ended_at"]]:
                executor.reported_after = time.monotonic() - executor.hit_at
                waiting.remove(executor)
            time.sleep(0.1)


@contextmanager
def open_ward(home: Path, *bugs: str) -> Iterator[Ward]:
    engine = open_database(home / "ledger.db", keeps_connections=True)
    (home / "busy").touch()
    environment = {"HOME": str(home), "PATH": os.defpath, "PREFECT_HOME": str(home / "prefect")}
    command = [*LIKE_AN_EXECUTOR, "-m", "tests.faults.nursery", str(home), *bugs]
    with (home / "nursery.log").open("wb") as log:
        nursery = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment | {"PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=Path(__file__).parents[2],
        )
    ward, stop, bell = Ward(home, engine, nursery), threading.Event(), threading.Event()
    dispatcher = Dispatcher(Outbox(engine, clock.now), Silence(), ward, 1000, ("start", "settle"))
    reaper = Reaper(Workers(engine, clock.now), bell.set)
    works = [
        threading.Thread(target=dispatcher.run_for_ever, args=(bell, stop)),
        threading.Thread(target=reaper.run_for_ever, args=(stop,)),
    ]
    for work in works:
        work.start()
    try:
        yield ward
    finally:
        stop.set()
        bell.set()
        nursery.kill()
        nursery.communicate()
        for work in works:
            work.join()
        engine.dispose()
