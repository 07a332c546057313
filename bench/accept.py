"""Accepting: how long a request waits for the disk, and how many share one trip to it.

START's ledger as it is, beside the same ledger with one transaction, so one fsync, a request.
Both take turns on one machine, in one folder; `make bench` runs it, it takes half a minute.
"""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter

from bench.timing import judge
from setupdesk.adapters import clock
from setupdesk.adapters.ledger.database import open_database
from setupdesk.adapters.ledger.group_commit import MOST
from setupdesk.adapters.ledger.start import StartLedger
from setupdesk.core.request import Mode, Request
from setupdesk.core.run import Door
from setupdesk.core.timeframe import Timeframe

ROUNDS, ALONE, CLIENTS, EACH = 5, 200, 64, 15
REQUEST = Request(
    setup_id="IB_raid_v1",
    symbol="GER40",
    timeframe=Timeframe.M15,
    mode=Mode.BACKTEST,
    start=date(2025, 5, 1),
    end=date(2025, 10, 3),
)


def main() -> None:
    """Measure and print the figures."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        engine = open_database(Path(folder) / "ledger.db", keeps_connections=True)
        # 64 clients may not wait for connections, of which the one writer needs a single one.
        start = StartLedger(engine, clock.now)
        alone: dict[int, list[float]] = {1: [], MOST: []}
        rates: dict[int, list[float]] = {1: [], MOST: []}
        accept_in_turn(start, 50)
        raw: list[float] = []
        for _ in range(ROUNDS):
            raw += sync_in_turn(Path(folder) / "raw", ALONE)
            for most in (1, MOST):
                start.writer.most = most
                alone[most] += accept_in_turn(start, ALONE)
                rates[most].append(measure_rate(start))
        engine.dispose()
    once = median(raw)
    print(f"raw append of 12 KiB and fdatasync: p50 {once * 1000:.2f} ms, {1 / once:,.0f}/s")
    tell(alone, rates)


def sync_in_turn(path: Path, count: int) -> list[float]:
    """Do with a plain file what SQLite does for one request; give the seconds that each took."""
    taken = []
    with path.open("ab", buffering=0) as file:
        for _ in range(count):
            began = perf_counter()
            file.write(bytes(12 * 1024))
            os.fdatasync(file.fileno())
            taken.append(perf_counter() - began)
    return taken


def accept_in_turn(start: StartLedger, count: int) -> list[float]:
    """Accept one request after the other; give the seconds that each took."""
    taken = []
    for _ in range(count):
        began = perf_counter()
        start.accept(REQUEST, REQUEST.to_json(), "ann", Door.API)
        taken.append(perf_counter() - began)
    return taken


def measure_rate(start: StartLedger) -> float:
    """Let many clients ask at once; give the requests that were accepted in a second."""
    began = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        for done in [clients.submit(accept_in_turn, start, EACH) for _ in range(CLIENTS)]:
            done.result()
    return CLIENTS * EACH / (perf_counter() - began)


def tell(alone: dict[int, list[float]], rates: dict[int, list[float]]) -> None:
    """Print the figures beside each other, and the targets."""
    print("accepting a request, synchronous=FULL")
    for most, name in ((1, "one fsync a request"), (MOST, "group commit")):
        ordered = sorted(alone[most])
        p50, p99 = median(ordered), ordered[int(0.99 * len(ordered))]
        print(
            f"  {name:<24} 1 client: p50 {p50 * 1000:.2f} ms, p99 {p99 * 1000:.2f} ms; "
            f"{CLIENTS} clients: {median(rates[most]):,.0f}/s"
        )
    judge("accept p50, 1 client", median(alone[MOST]) * 1000, 5, "ms")
    ratio = median(rates[MOST]) / median(rates[1])
    judge(f"rate at {CLIENTS} clients", ratio, 3, "x", least=True)


if __name__ == "__main__":
    main()
