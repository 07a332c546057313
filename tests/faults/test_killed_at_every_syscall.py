"""A process that is killed at any call to the system leaves each answer whole, or none."""

import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.children import accept, make_home, need_strace, trace
from tests.faults.deliveries import Job, draw_deliveries
from tests.faults.drills import CALLS, Point, kill_at

SEED = 20251031


def list_points(job: Job, folder: Path) -> list[Point]:
    """List each call that a child makes on its home's files, by name and number."""
    home, log = make_home(folder / "whole"), folder / "calls"
    accept(replace(job, home=str(home)), prefix=trace(home, log, CALLS))
    # strace counts the calls of each thread by itself.
    made = Counter(re.findall(r"^(\d+) +(\w+)\(", log.read_text(), re.MULTILINE))
    most: Counter[str] = Counter()
    for (_, call), times in made.items():
        most[call] = max(most[call], times)
    return [(call, n) for call, times in most.items() for n in range(1, times + 1)]


def kill_everywhere(folder: Path, seed: int, count: int, threads: int, every: int) -> Counter[str]:
    """Kill a child at every *every*-th point; give how many points of each call that were."""
    need_strace()
    job = Job("", draw_deliveries(seed, count), threads, checkpoint=8)
    points = list_points(job, folder)
    chosen = points[random.Random(seed).randrange(every) :: every]

    faults = [
        f"seed {seed}, killed at {call} {number}: {fault}"
        for call, number in chosen
        for fault in kill_at(replace(job, home=str(folder / f"{call}-{number}")), (call, number))
    ]
    assert not faults, "\n".join(faults)
    return Counter(call for call, _ in chosen)


def test_a_kill_at_any_call_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    seed = random.randrange(10**6)

    killed = kill_everywhere(tmp_path, seed, count=6, threads=1, every=12)

    assert killed.total() > 8, f"seed {seed}: {killed}"


@pytest.mark.faults
@pytest.mark.parametrize("threads", [1, 4])
def test_a_kill_at_every_call_loses_nothing_and_doubles_nothing(
    tmp_path: Path, threads: int
) -> None:
    killed = kill_everywhere(tmp_path, SEED, count=12, threads=threads, every=1)

    print(f"killed at {killed.total()} points, 0 bad: {dict(killed)}")
    assert {"pwrite64", "fdatasync", "unlink", "openat"} <= set(killed)
