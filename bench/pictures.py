"""Pictures by Pillow: the candles of a trade and the equity of a run, from columns to PNG.

`.venv/bin/python -m bench.pictures`, some seconds. The first picture of a process loads Pillow,
the font and the drawing; it is timed in processes of its own.
"""

import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

import numpy as np

from bench.timing import judge
from setupdesk.core.timeframe import Timeframe
from setupdesk.picture.candles import BARS, draw_candles
from setupdesk.picture.equity import draw_equity
from setupdesk.picture.frame import Caption
from setupdesk.picture.inks import Theme
from setupdesk.picture.run import Picture, draw_run

ROUNDS, STARTS = 60, 5
TARGET_MS = 150
SYMBOL = {"session": "09:00-17:30", "zone": "Europe/Berlin", "tick": 0.1}
CAPTION = Caption("IB_raid_v1, GER40 M15", "Not proven: 36 trades averaged +0.04R.")
FIRST = datetime(2025, 5, 5, tzinfo=UTC)
M15 = timedelta(minutes=15)


def main() -> None:
    """Draw each picture many times, and print the median and the 95th percentile."""
    if sys.argv[1:] == ["one"]:
        draw_candles(build_picture(), CAPTION, chosen=2)
        return
    picture, some, many = build_picture(), build_equity(200), build_equity(20_000)
    works: dict[str, Callable[[], object]] = {
        f"candles, {BARS} bars, light": lambda: draw_candles(picture, CAPTION, Theme.LIGHT, 2),
        f"candles, {BARS} bars, dark": lambda: draw_candles(picture, CAPTION, Theme.DARK, 2),
        "equity of 200 trades": lambda: draw_equity(some, CAPTION, "Europe/Berlin"),
        "equity of 20,000 trades": lambda: draw_equity(many, CAPTION, "Europe/Berlin"),
    }
    print(f"{'':28}{'median':>10}{'p95':>10}{'processor, median':>20}")
    slowest = max(measure(name, work) for name, work in works.items())
    judge("each picture, p95", slowest, TARGET_MS, "ms")
    print(f"  the first one of a process, with Python and all: {start_anew():,.0f} ms of processor")


def measure(name: str, work: Callable[[], object]) -> float:
    """Print what *work* takes, and give its 95th percentile in milliseconds."""
    walls, works = [], []
    work()
    for _ in range(ROUNDS):
        began, busy = perf_counter(), process_time()
        work()
        works.append((process_time() - busy) * 1000)
        walls.append((perf_counter() - began) * 1000)
    p95 = quantiles(walls, n=20)[-1]
    told = f"{median(walls):>7.1f} ms{p95:>7.1f} ms{median(works):>17.1f} ms"
    print(f"  {name:<26}{told}", flush=True)
    return p95


def start_anew() -> float:
    """Give the processor time of a process that draws one picture, the median, milliseconds."""
    times = []
    for _ in range(STARTS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "bench.pictures", "one"], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return median(times) * 1000


def build_picture() -> Picture:
    """Build a week of bars with its sessions, their levels and five trades."""
    chance, count = np.random.default_rng(1), 5 * 96
    close = 24_000 + np.cumsum(chance.normal(0, 9, count))
    opened = np.concatenate([[24_000], close[:-1]])
    columns: dict[str, Any] = {
        "time": [round((FIRST + M15 * row).timestamp() * 1000) for row in range(count)],
        "open": opened.tolist(),
        "high": (np.maximum(opened, close) + chance.uniform(0, 12, count)).tolist(),
        "low": (np.minimum(opened, close) - chance.uniform(0, 12, count)).tolist(),
        "close": close.tolist(),
    }
    report = {
        "zone": SYMBOL["zone"],
        "sessions": [build_session(day, columns) for day in range(5)],
        "trades": [build_trade(day, columns) for day in range(5)],
    }
    return draw_run(columns, report, SYMBOL, Timeframe.M15)


def build_session(day: int, columns: dict[str, Any]) -> dict[str, Any]:
    """Build a session whose first hour has made its levels."""
    rows = slice(day * 96 + 28, day * 96 + 32)
    high, low = max(columns["high"][rows]), min(columns["low"][rows])
    return {
        "day": (FIRST + timedelta(days=day)).date().isoformat(),
        "known_at": (FIRST + timedelta(days=day, hours=8)).isoformat(),
        "levels": {"ib.high": high, "ib.mid": (high + low) / 2, "ib.low": low},
    }


def build_trade(day: int, columns: dict[str, Any]) -> dict[str, Any]:
    """Build a trade of three hours."""
    row = day * 96 + 36
    entry, left = columns["open"][row], columns["close"][row + 12]
    return {
        "number": day + 1,
        "side": "long",
        "entry": entry,
        "stop": entry - 30,
        "target": entry + 60,
        "exit": left,
        "exit_reason": "flat",
        "r": (left - entry) / 30,
        "entry_at": (FIRST + M15 * row).isoformat(),
        "exit_at": (FIRST + M15 * (row + 12)).isoformat(),
    }


def build_equity(trades: int) -> list[dict[str, Any]]:
    """Build the equity of so many trades."""
    totals = np.cumsum(np.random.default_rng(2).normal(0.1, 1.2, trades))
    below = np.maximum.accumulate(np.maximum(totals, 0.0)) - totals
    return [
        {"at": (FIRST + M15 * 30 * row).isoformat(), "r": float(total), "drawdown_r": float(depth)}
        for row, (total, depth) in enumerate(zip(totals, below, strict=True))
    ]


if __name__ == "__main__":
    main()
