"""Executors that die, or stand still, lose their runs in time; those that live keep them."""

import hashlib
import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path
from statistics import median

import pytest

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.processes import has_process
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.workers import Workers
from setupdesk.core.request import parse_request
from setupdesk.core.run import Door, RunState
from tests.faults.deliveries import build_offer, build_payload
from tests.faults.real_desk import wait_until
from tests.faults.ward import LIKE_AN_EXECUTOR, Executor, Ward, open_ward

SEED = 20251031
REPORTED_WITHIN = 30.0


def endure(ward: Ward, real: int, lone: int, drawn: random.Random) -> list[str]:
    """Bring up executors, hit most of them, and give what was found wrong."""
    batch = [ward.raise_one(kind) for kind in ["lone"] * lone + ["real"] * real]
    run_ids = [ward.accept() for _ in range(real)] + [one.run_id for one in batch if one.run_id]
    wait_until(lambda: count_states(ward, run_ids) == {"running": len(run_ids)}, 60)
    first = batch[:lone] + drawn.sample(batch[lone:], real // 2)
    for executor in first:
        # One in three is killed, of the lone ones the very first.
        is_killed = first.index(executor) % 3 == 0
        ward.hit(executor, signal.SIGKILL if is_killed else signal.SIGSTOP)
    ward.await_reports(first, 2 * REPORTED_WITHIN)
    wait_until(lambda: count_states(ward, run_ids) == {"running": len(run_ids)}, 60)
    second = [one for one in batch if one.is_unharmed][: real // 4 or 1]
    doomed = [run_id for run_id in run_ids if holds_second(ward, second, run_id)]
    for executor in second:
        ward.hit(executor, signal.SIGKILL)
    # A new executor ends those that are gone when it comes.
    successor = ward.raise_one("real")
    ward.await_reports(second, REPORTED_WITHIN)
    (ward.home / "busy").unlink()
    wait_until(lambda: not count_states(ward, run_ids).keys() & {"queued", "running"}, 60)
    thaw(ward, first)
    faults = examine(ward, [*batch, successor], run_ids, doomed)
    (ward.home / "busy").touch()
    for executor in [one for one in [*batch, successor] if one.is_unharmed]:
        ward.dismiss(executor)
    return faults


def count_states(ward: Ward, run_ids: list[str]) -> dict[str, int]:
    runs = ward.load_runs()
    return dict(Counter(runs[run_id]["state"] for run_id in run_ids))


def holds_second(ward: Ward, executors: list[Executor], run_id: str) -> bool:
    """Say whether one of *executors* carries out the second attempt of a run."""
    run, workers = ward.load_run(run_id), ward.load_workers()
    names = {f"executor {workers[one.pid]['worker_id']}" for one in executors}
    return run["attempt"] == 2 and run["worker"] in names


def thaw(ward: Ward, executors: list[Executor]) -> None:
    """Let those that stood still wake up, and finish whatever they were at."""
    frozen = [one for one in executors if one.is_frozen]
    for executor in frozen:
        ward.wake(executor)
    wait_until(lambda: not [one for one in frozen if has_process(one.pid)], 60)


def examine(ward: Ward, batch: list[Executor], run_ids: list[str], doomed: list[str]) -> list[str]:
    runs, workers, faults = ward.load_runs(), ward.load_workers(), []
    hit = {one.pid for one in batch if not one.is_unharmed}
    for one in batch:
        if one.is_unharmed and workers[one.pid]["ended_at"]:
            faults.append(f"false: {one} was ended: {workers[one.pid]['reason']}")
        if not one.is_unharmed and one.reported_after > REPORTED_WITHIN:
            faults.append(f"late: {one}")
    for run_id in run_ids:
        run = runs[run_id]
        wanted = RunState.CRASHED if run_id in doomed else RunState.COMPLETED
        if run["state"] != wanted or run["attempt"] > 2:
            faults.append(f"retries: {run_id} is {run['state']} after {run['attempt']} attempts")
        if run["state"] == RunState.COMPLETED:
            report = (ward.home / "runs" / run_id / "report.json").read_bytes()
            if hashlib.sha256(report).hexdigest() != run["result_sha256"]:
                faults.append(f"results: the report of {run_id} is another")
            if run["pid"] in hit:
                faults.append(f"zombie: {run_id} was finished by one that was taken for dead")
    woken = [one for one in batch if one.kind == "lone" and one.is_frozen]
    faults += [f"thaw: {one} did not wake" for one in woken if not ward.has_woken(one)]
    faults += [f"bug: {path.name}: {path.read_text()}" for path in ward.home.glob("*.bug")]
    return faults


def describe(executors: list[Executor]) -> str:
    after = [one.reported_after for one in executors if one.reported_after]
    frozen = sum(one.is_frozen for one in executors)
    return (
        f"{len(executors)} executors, {len(after)} of them hit ({frozen} frozen); "
        f"reported after p50 {median(after):.1f} s, max {max(after):.1f} s"
    )


def test_executors_that_die_or_stand_still_lose_their_runs_in_time(tmp_path: Path) -> None:
    seed = random.randrange(10**6)

    with open_ward(tmp_path) as ward:
        faults = endure(ward, 4, 2, random.Random(seed))
        said = describe(ward.executors)

    print(f"seed {seed}: {said}")
    assert not faults, "\n".join([f"seed {seed}: {said}", *faults])


HOLDS_THE_LOCK = """
import os, signal, sys
from pathlib import Path
from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database, writing
from setupdesk.adapters.ledger.journal import Journal

engine = open_database(Path(sys.argv[1]))
Journal(engine, clock.now, sys.argv[2]).begin(sys.argv[3])
with writing(engine) as connection:
    connection.exec_driver_sql("SELECT 1")
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_a_run_that_stands_still_with_the_lock_in_its_hand_holds_nobody_up(
    tmp_path: Path,
) -> None:
    engine = open_database(tmp_path / "ledger.db")
    workers = Workers(engine, clock.now)
    name = workers.register(os.getpid())
    payload = build_payload(random.Random(1))
    request = parse_request(payload, build_offer())
    ledger = StartLedger(engine, clock.now)
    run_id = str(ledger.accept(request, payload, "ann", Door.API).run_id)
    words = [*LIKE_AN_EXECUTOR, "-c", HOLDS_THE_LOCK, str(tmp_path / "ledger.db"), name, run_id]
    with subprocess.Popen(words, start_new_session=True) as child:
        try:
            wait_until(lambda: "T" in Path(f"/proc/{child.pid}/stat").read_text().split()[2], 30)

            ended = workers.end(name, "it gave no sign of life")
        finally:
            child.kill()

    assert ended == [run_id]


@pytest.mark.faults
def test_two_hundred_executors_lose_their_runs_in_time(tmp_path: Path) -> None:
    drawn, faults = random.Random(SEED), list[str]()

    with open_ward(tmp_path) as ward:
        while sum(one.hit_at > 0 for one in ward.executors) < 200:
            faults += endure(ward, 16, 8, drawn)
            print(describe(ward.executors), faults[:5], flush=True)

    assert not faults, "\n".join(faults[:50])
