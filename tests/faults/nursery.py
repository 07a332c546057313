"""Executors by the dozen: a process that has imported everything once, and forks one per line.

``python -m tests.faults.nursery HOME`` reads ``{"kind": ..., "name": ...}`` a line. A ``real`` one
is the executor's own loop, whose children work without Prefect. A ``lone`` one carries out runs
in its own process, so that nobody's SIGKILL ends it: once it is thawed, only the ledger's fence
keeps it from writing. Each answers with its pid.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.journal import Journal
from setupdesk.adapters.ledger.workers import Workers
from setupdesk.adapters.result_store import ResultStore
from setupdesk.app.flow_body import FlowBody
from setupdesk.core.errors import LedgerUnavailableError
from setupdesk.core.run import Run
from setupdesk.executor import child, machine
from setupdesk.executor.parent import BEAT_SECONDS, Executor, Limits
from setupdesk.flows import build_flows
from tests.faults.engine_bugs import BUGS

LIMITS = Limits(seconds=600, memory_mb=512, growth_mb=4096)


@dataclass(frozen=True)
class Work:
    """What a run does: one stage after the other, as long as there is a file ``busy``."""

    journal: Journal
    busy: Path

    def __call__(self, run: Run) -> dict[str, Any]:
        for stage in count():
            self.journal.note_stage(run.run_id, f"stage {stage}")
            time.sleep(0.5)
            if not self.busy.exists():
                break
        statistics = {
            "trades": os.getpid(),
            "total_r": 0.0,
            "expectancy_r": 0.0,
            "expectancy_interval": None,
        }
        return {"statistics": statistics, "verdict": {"code": "none"}}


def main() -> None:
    home = Path(sys.argv[1])
    if len(sys.argv) > 2:
        BUGS[sys.argv[2]]()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            be_born(home, order)
        os.write(1, f"{pid}\n".encode())


def be_born(home: Path, order: Mapping[str, str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    machine.die_with(os.getppid())
    try:
        {"real": be_executor, "lone": be_lone}[order["kind"]](home, order["name"])
    except BaseException as error:  # noqa: BLE001 (it is a process's end, and is written down)
        (home / f"{order['name']}.bug").write_text(repr(error))
    finally:
        os._exit(0)


def build_body(home: Path) -> tuple[Workers, Journal, FlowBody]:
    engine = open_database(home / "ledger.db", patience=5.0)
    journal = Journal(engine, clock.now, "nobody yet")
    body = FlowBody(journal, Work(journal, home / "busy"), ResultStore(home / "runs"))
    return Workers(engine, clock.now), journal, body


def be_executor(home: Path, name: str) -> None:
    workers, journal, body = build_body(home)
    # What Prefect's engine does around the flow needs a server; its function alone does not.
    child.carry_out = carry_out_alone
    Executor(
        path=home / f"{name}.sock",
        journal=journal,
        workers=workers,
        flows=build_flows(body),
        warm_up=lambda: None,
        limits=LIMITS,
    ).serve()


def carry_out_alone(task: child.Task, tls: object) -> None:  # noqa: ARG001 (its stand-in)
    task.flow.fn(task.run_id)


def be_lone(home: Path, name: str) -> None:
    workers, journal, body = build_body(home)
    journal.worker = workers.register(os.getpid())
    threading.Thread(target=beat_for_ever, args=(workers, journal.worker), daemon=True).start()
    run_id = (home / f"{name}.run").read_text()
    try:
        body(run_id)
    finally:
        (home / f"{name}.woke").write_text(run_id)


def beat_for_ever(workers: Workers, name: str) -> None:
    while True:
        time.sleep(BEAT_SECONDS)
        with suppress(LedgerUnavailableError):
            workers.beat(name)


if __name__ == "__main__":
    main()
