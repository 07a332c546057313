"""A service that is told to stop under load: it ends in time, and has whatever it answered."""

import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.service.processes import serving
from tests.service.test_stopping import MARKET, PAYLOAD

CLIENTS = 4
SEED = 20251031


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("MOST_WAITING", "MOST_WAITING_PER_USER"):
        monkeypatch.setenv(f"SETUPDESK_{name}", "100000")
    home = tmp_path / "home"
    open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI).simulate_bars(MARKET)
    return home


def ask_until_it_stops(api: httpx.Client, name: str) -> dict[str, str]:
    """Ask again and again; give the run_id that was answered to each key, empty if none was."""
    answers: dict[str, str] = {}
    for number in range(10_000):
        key = f"{name}-{number}"
        try:
            answer = api.post("/runs", json=PAYLOAD, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            return answers | {key: ""}
        # On a slow disk an answer may be cut off, by a 500: the sender knows that he knows nothing.
        assert answer.status_code in {202, 500}, answer.text
        answers[key] = answer.json()["run_id"] if answer.status_code == 202 else ""
    return answers


def stop_under_load(home: Path, name: str, seconds: float) -> tuple[float, dict[str, str]]:
    """Stop a service after *seconds* of load; give how long that took, and what was answered."""
    with serving(home) as (process, api), ThreadPoolExecutor(CLIENTS) as clients:
        asking = [
            clients.submit(ask_until_it_stops, api, f"{name}-{number}") for number in range(CLIENTS)
        ]
        time.sleep(seconds)
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        took = time.monotonic() - told
        return took, {key: run_id for each in asking for key, run_id in each.result().items()}


def stop_often(home: Path, times: int, seed: int) -> tuple[float, int]:
    drawn = random.Random(seed)
    longest = 0.0
    answered: dict[str, str] = {}
    for number in range(times):
        took, answers = stop_under_load(home, str(number), drawn.uniform(0.05, 0.8))
        longest = max(longest, took)
        answered |= {key: run_id for key, run_id in answers.items() if run_id}
        assert took < 10, f"seed {seed}, stop {number}"

    reads = Reads(open_database(home / "ledger.db"))
    kept = {row["idempotency_key"]: row["run_id"] for row in reads.load_audit_log(1_000_000)}
    assert answered.items() <= kept.items(), f"seed {seed}"
    assert {run["run_id"] for run in reads.load_runs(1_000_000)} == set(kept.values())
    return longest, len(answered)


def test_a_service_that_is_stopped_three_times_has_all_that_it_answered(home: Path) -> None:
    _, answered = stop_often(home, 3, random.randrange(10**6))

    assert answered > 10


@pytest.mark.faults
def test_a_service_that_is_stopped_two_hundred_times_has_all_that_it_answered(home: Path) -> None:
    longest, answered = stop_often(home, 200, SEED)

    print(f"200 stops, the longest {longest:.1f} s; {answered:,} answers, 0 lost")
