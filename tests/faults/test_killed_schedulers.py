"""Two schedulers on one ledger, killed at any moment, while the clock goes back and forth."""

import random
import subprocess
import sys
import time
from datetime import timedelta
from itertools import takewhile
from pathlib import Path

import pytest
from sqlalchemy import select

from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import reading
from setupdesk.adapters.ledger.tables import audit_log, run
from setupdesk.core.schedule import Schedule
from tests.app.scheduled import BACKTEST, ScheduledDesk
from tests.faults.scheduling import FastClock

ROOT = Path(__file__).parents[2]
STEP = 7_200


def start(home: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.scheduling", str(home)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


def step_clock(home: Path, drawn: random.Random) -> None:
    draft = home / "steps.new"
    draft.write_text(str(drawn.uniform(-STEP, STEP)))
    draft.replace(home / "steps")


def kill_many(home: Path, desk: ScheduledDesk, kills: int, seed: int) -> None:
    drawn = random.Random(seed)
    children = [start(home), start(home)]
    for _ in range(kills):
        time.sleep(drawn.uniform(0.05, 0.6))
        if drawn.random() < 0.3:
            step_clock(home, drawn)
        if drawn.random() < 0.5:
            desk.finish_runs()
        place = drawn.randrange(2)
        children[place].kill()
        children[place].communicate()
        children[place] = start(home)
    for child in children:
        child.kill()
        child.communicate()


def check(desk: ScheduledDesk, one: Schedule) -> int:
    """Check every tick of a schedule; give how many there were."""
    rows = {row["due_at"]: row for row in desk.schedules.load_ticks(one.schedule_id, 10**6)}
    due = takewhile(
        lambda tick: tick <= one.accounted_until, one.terms.rhythm.after(one.created_at)
    )
    assert sorted(rows) == list(due)
    with reading(desk.ledger) as connection:
        started = connection.execute(
            select(audit_log.c.idempotency_key, audit_log.c.run_id)
            .join(run, run.c.run_id == audit_log.c.run_id)
            .where(audit_log.c.idempotency_key.startswith(f"sched:{one.schedule_id}:"))
        ).all()
    by_key = dict(map(tuple, started))
    assert len(by_key) == len(started)
    told = {
        one.name_request(due_at, number): run_id
        for due_at, row in rows.items()
        for number, run_id in enumerate(row["run_ids"])
    }
    assert told == by_key
    assert all(bool(row["run_ids"]) == (row["outcome"] == "fired") for row in rows.values())
    return len(rows)


def prove(home: Path, kills: int, seed: int) -> tuple[int, int]:
    (home / "began").write_text(clock.now().isoformat())
    (home / "steps").write_text("0")
    desk = ScheduledDesk(home, FastClock(home))
    for overlap in ("allow", "skip", "queue_one"):
        desk.add(name=overlap, overlap=overlap, catch_up="all(20)", start_deadline="1h")
    desk.add(name="batch", payload=None, payloads=[BACKTEST, BACKTEST | {"symbol": "US500"}])
    kill_many(home, desk, kills, seed)
    (home / "steps").write_text(str(2 * STEP))
    for _ in range(20):
        desk.finish_runs()
        desk.scheduler.work_once()
    frozen = desk.clock()
    desk.scheduler.work_once()
    desk.finish_runs()
    ticks = sum(check(desk, one) for one in desk.schedules.load_all())
    assert all(
        frozen - one.accounted_until < timedelta(hours=1) for one in desk.schedules.load_all()
    )
    return ticks, desk.count_runs()


def test_two_schedulers_that_are_killed_ten_times_leave_one_row_a_tick(tmp_path: Path) -> None:
    ticks, runs = prove(tmp_path, kills=10, seed=1)

    assert ticks > 100
    assert 0 < runs < 2 * ticks


@pytest.mark.faults
def test_two_hundred_kills_lose_no_tick_and_double_none(tmp_path: Path) -> None:
    ticks, runs = prove(tmp_path, kills=200, seed=2)

    print(f"\n200 kills, stepped clocks: {ticks:,} ticks, {runs:,} runs, 0 missing, 0 double")
