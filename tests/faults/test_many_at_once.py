"""Ten thousand requests at once, over eight processes on one ledger: none lost, no gap."""

from collections import Counter
from pathlib import Path
from time import perf_counter

import pytest

from tests.faults.checks import Scene, find_faults
from tests.faults.children import accept_together, make_home
from tests.faults.deliveries import Delivery, Job, draw_deliveries

PROCESSES, THREADS = 8, 64
SEED = 20251031


def ask_at_once(home: Path, count: int, threads: int) -> float:
    """Let eight processes accept *count* requests; give the requests answered in a second."""
    make_home(home)
    deliveries: list[Delivery] = draw_deliveries(SEED, count)
    jobs = [Job(str(home), deliveries[first::PROCESSES], threads) for first in range(PROCESSES)]

    begun = perf_counter()
    answers = accept_together(jobs)
    took = perf_counter() - begun

    errors = Counter(one["error"] for one in answers if "error" in one)
    assert len(answers) == count
    assert set(errors) <= {"key_conflict"}, errors
    assert find_faults(Scene(home, deliveries, answers)) == []
    return count / took


def test_eight_processes_accept_at_once_without_a_gap(tmp_path: Path) -> None:
    assert ask_at_once(tmp_path / "home", 160, threads=4) > 0


@pytest.mark.faults
def test_ten_thousand_requests_at_once_are_all_answered_without_a_gap(tmp_path: Path) -> None:
    rate = ask_at_once(tmp_path / "home", 10_000, THREADS)

    print(f"10,000 requests, {PROCESSES * THREADS} at a time: 0 lost, {rate:,.0f}/s")
