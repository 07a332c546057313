"""The list of runs when there are 10,000: what the API and the page of the web desk take for it.

The runs come through the ledger of START, then they are given ends and summaries. `make bench`
runs it; it takes half a minute, most of it to write the runs.
"""

import os
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import httpx
from sqlalchemy import bindparam, select, update

from bench.timing import judge
from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database, writing
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.adapters.ledger.tables import run
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door
from setupdesk.core.timeframe import Timeframe
from setupdesk.settings import load_settings
from tests.service.serving import serving

RUNS, CLIENTS, ROUNDS, TARGET = 10_000, 32, 15, 300.0
QUESTIONS: dict[str, dict[str, Any]] = {
    "the first 25": {"limit": 25},
    "the first 1,000": {"limit": 1000},
    "25 of a state": {"limit": 25, "state": ["failed"]},
    "25 of a setup and a symbol": {"limit": 25, "setup_id": "PDH_raid_v1", "symbol": "XAUUSD"},
    "25 of a tag": {"limit": 25, "tag": ["keep"]},
    "25 of a user by a door": {"limit": 25, "user": "bob", "door": "ui"},
    "25 of some days": {"limit": 25, "since": "2020-01-01", "until": "2099-12-31"},
    "words that few have": {"limit": 25, "search": "number 77 raid"},
    "words that none has": {"limit": 25, "search": "nothing has these words"},
}


def main() -> None:
    """Fill a ledger, ask each question in turns, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fill(home)
        with serving(home, {"SETUPDESK_OWNER": "bench"}) as http:
            times = ask_in_turns(http)
            page = measure_page(str(http.base_url).removesuffix("/api/v1/"))
    print(f"the list of {RUNS:,} runs, by the API, p50 and max of {ROUNDS}")
    for name, taken in times.items():
        print(f"  {name:<32}{1000 * median(taken):>8.1f} ms{1000 * max(taken):>8.1f} ms")
    judge("the slowest question, p50", 1000 * max(map(median, times.values())), TARGET, "ms")
    judge("the page of the web desk, p50", 1000 * median(page), TARGET, "ms")


def fill(home: Path) -> None:
    """Accept the runs, and give each an end."""
    settings = load_settings({"SETUPDESK_HOME": str(home)})
    engine = open_database(settings.ledger, keeps_connections=True)
    start, luck = StartLedger(engine, clock.now), random.Random(1)  # noqa: S311 (made-up ends)
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(lambda number: accept(start, number), range(RUNS)))
    with writing(engine) as connection:
        ids = list(connection.execute(select(run.c.run_id)).scalars())
        ending = update(run).where(run.c.run_id == bindparam("of"))
        names = ("state", "summary", "plan", "notes", "tags", "started_at", "finished_at")
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        connection.execute(ending.values(values), [end(one, luck) for one in ids])
    engine.dispose()


def accept(start: StartLedger, number: int) -> None:
    """Accept one run, of one of four setups on one of three symbols, by one of two users."""
    setups = ("IB_raid_v1", "PDH_raid_v1", "ORB_v1", "VWAP_fade_v1")
    request = Request(
        setup_id=setups[number % 4],
        symbol=("GER40", "XAUUSD", "EURUSD")[number % 3],
        timeframe=Timeframe.M15,
        mode=Mode.BACKTEST,
        start=date(2024, 1, 1) + timedelta(days=number % 300),
        end=date(2025, 10, 3),
    )
    user, door = ("ann", Door.CLI) if number % 5 else ("bob", Door.UI)
    start.accept(request, {"number": number}, user, door)


def end(run_id: str, luck: random.Random) -> dict[str, Any]:
    """Make up how a run has ended."""
    mean, now = luck.gauss(0.05, 0.2), clock.now()
    state = luck.choices(["completed", "failed", "cancelled"], [94, 3, 3])[0]
    summary = {
        "verdict": "undecided",
        "trades": luck.randrange(20, 400),
        "total_r": 40 * mean,
        "expectancy_r": mean,
        "expectancy_interval": [mean - 0.3, mean + 0.3],
    }
    return {
        "of": run_id,
        "new_state": state,
        "new_summary": summary if state == "completed" else None,
        "new_plan": {"bars": 40_000, "sessions": 250},
        "new_notes": f"number {luck.randrange(1000)} raid",
        "new_tags": ["keep"] if luck.random() < 0.02 else [],
        "new_started_at": now,
        "new_finished_at": now + timedelta(seconds=1),
    }


def ask_in_turns(http: httpx.Client) -> dict[str, list[float]]:
    """Ask each question once to warm up, and then in turns; give the seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in QUESTIONS}
    for number in range(ROUNDS + 1):
        for name, said in QUESTIONS.items():
            began = perf_counter()
            http.get("/runs", params=said, timeout=60).raise_for_status()
            if number:
                times[name].append(perf_counter() - began)
    return times


def measure_page(address: str) -> list[float]:
    """Run the page of all runs as its server does for a browser, but for the browser."""
    from tests.doors.ui.asking import open_pages

    os.environ.update(SETUPDESK_SERVER=address, SETUPDESK_KEY="the-key")  # noqa: TID251 (its own)
    app, taken = open_pages("runs.py"), []
    for _ in range(ROUNDS):
        began = perf_counter()
        app.run()
        taken.append(perf_counter() - began)
    if app.exception:
        raise SystemExit(app.exception[0].message)
    return taken


if __name__ == "__main__":
    main()
