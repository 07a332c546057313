"""Fifty runs asked for at once: who starts first, and whether the desk still answers meanwhile.

Each of eight clients asks for its share while others look at the runs, the queue and the ping,
all the time until the last run has ended. Run it with `make bench`; it takes about two minutes.
"""

import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

import httpx

from bench.click_to_started import MARKET, PAYLOAD, seconds_of
from setupdesk.client import Client, connect
from setupdesk.settings import Settings, load_settings
from setupdesk.supervisor import find_desk, start_detached, stop

BACKTESTS, LIVE, CLIENTS = 50, 5, 8
LIVE_PAYLOAD = {key: PAYLOAD[key] for key in ("setup_id", "symbol", "timeframe")} | {"mode": "live"}
QUESTIONS = {"GET /runs": "/runs", "GET /queue": "/queue", "GET /ping": "/ping"}


def main() -> None:
    """Ask for all, wait for all, print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            {
                "SETUPDESK_HOME": folder,
                "SETUPDESK_PORT": "0",
                "SETUPDESK_PREFECT_PORT": "0",
            }
        )
        start_detached(settings)
        try:
            with connect(settings) as desk:
                wait_until_ready(settings)
                desk.simulate_bars(MARKET)
                warm = desk.ask(PAYLOAD)["run_id"]
                wait_until(lambda: desk.run(warm)["finished_at"] is not None)
            runs, answers = measure(settings)
        finally:
            stop(settings)
    show_runs(runs)
    for question, seconds in answers.items():
        show_answers(question, seconds)


def measure(settings: Settings) -> tuple[list[dict[str, Any]], dict[str, list[float]]]:
    """Give every run as it ended, and how long each question took, by question."""
    done = threading.Event()
    answers: defaultdict[str, list[float]] = defaultdict(list)
    with ThreadPoolExecutor(CLIENTS + len(QUESTIONS)) as threads, connect(settings) as desk:
        lookers = [
            threads.submit(look, settings, path, answers[question], done)
            for question, path in QUESTIONS.items()
        ]
        backtests = list(threads.map(lambda _: ask(settings, PAYLOAD, answers), range(BACKTESTS)))
        live = [ask(settings, LIVE_PAYLOAD, answers) for _ in range(LIVE)]
        wait_until(lambda: not find_waiting(desk))
        done.set()
        for looker in lookers:
            looker.result()
        return [desk.run(run_id) for run_id in [*backtests, *live]], dict(answers)


def ask(settings: Settings, payload: dict[str, Any], answers: dict[str, list[float]]) -> str:
    """Ask for one run by a connection of its own, as a command does."""
    with connect(settings) as desk:
        began = time.perf_counter()
        run_id: str = desk.ask(payload)["run_id"]
        answers["POST /runs"].append(time.perf_counter() - began)
        return run_id


def look(settings: Settings, path: str, seconds: list[float], done: threading.Event) -> None:
    """Ask one question over and over, twenty times a second at most."""
    address = (find_desk(settings) or {})["processes"]["service"]["address"]
    headers = {"Authorization": f"Bearer {settings.api_key_file.read_text()}"}
    with httpx.Client(headers=headers, trust_env=False, timeout=30) as http:
        while not done.wait(0.05):
            began = time.perf_counter()
            http.get(f"{address}/api/v1{path}").raise_for_status()
            seconds.append(time.perf_counter() - began)


def find_waiting(desk: Client) -> list[dict[str, Any]]:
    """Find the runs that have not ended."""
    queue = desk.queue(1000)
    return [*queue["running"], *queue["waiting"]]


def wait_until_ready(settings: Settings) -> None:
    """Wait for all processes of the desk."""
    wait_until(
        lambda: (
            {one["state"] for one in (find_desk(settings) or {})["processes"].values()} == {"ready"}
        )
    )


def wait_until(is_true: Callable[[], bool]) -> None:
    """Look every fifth of a second."""
    while not is_true():
        time.sleep(0.2)


def show_runs(runs: list[dict[str, Any]]) -> None:
    """Print how the runs ended, how long all took, and whether the live ones went first."""
    began = min(seconds_of(run["accepted_at"]) for run in runs)
    took = max(seconds_of(run["finished_at"]) for run in runs) - began
    print(f"{len(runs)} runs at once, {dict(Counter(run['state'] for run in runs))}, {took:.1f} s")
    live = [run for run in runs if run["request"]["mode"] == "live"]
    asked = min(seconds_of(run["accepted_at"]) for run in live)
    last = max(seconds_of(run["started_at"]) for run in live)
    others = [run for run in runs if run not in live]
    still = [run for run in others if seconds_of(run["started_at"]) > asked]
    before = [run for run in still if seconds_of(run["started_at"]) < last]
    print(
        f"{len(live)} live runs asked for after {len(others)} backtests, of which {len(still)} "
        f"waited still: all live ones had started {last - asked:.1f} s later, "
        f"{len(before)} backtests meanwhile"
    )


def show_answers(question: str, seconds: list[float]) -> None:
    """Print one line of figures."""
    ordered = sorted(seconds)
    p99 = ordered[round(0.99 * (len(ordered) - 1))]
    print(
        f"{question}: p50 {1000 * median(ordered):.0f} ms, p99 {1000 * p99:.0f} ms, "
        f"max {1000 * ordered[-1]:.0f} ms (n = {len(ordered)})"
    )


if __name__ == "__main__":
    main()
