"""The signal and fill kernels on a million M1 bars, against the memory's own speed.

The limit is how fast one core can add up the five columns of all bars. The kernels, on one core
too, measure the initial balance, find all sweeps of both its sides, find where each order fills,
and follow each trade; numpy's work between them is told apart. Each part is timed by itself,
over and over, so that both find the caches as they left them; and once more in turns, where
each finds them as the other has left them. Run it with ``python -m bench.kernels``.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter

import numba
import numpy as np

from bench.market import EXACT, GER40, Ground, Run, draw_year, find_rule, run
from bench.timing import Work, judge, show, take_turns
from setupdesk.detectors.kernel import feed
from setupdesk.detectors.session_range import find_ranges
from setupdesk.detectors.sweep import Watch, find_sweeps
from setupdesk.engine.backtest import find_caps, run_setup
from setupdesk.engine.costs import FillRules, Means, build_account
from setupdesk.engine.fills import fill, find_entries
from setupdesk.engine.orders import place_orders
from setupdesk.engine.prices import to_ticks
from setupdesk.market.bars import Bars, Ints
from setupdesk.setups.triggers import SweepReclaim

BARS, ROUNDS, TURNS = 1_000_000, 20, 3
SETUP = find_rule("IB_raid_v1").default


def main() -> None:
    """Measure and print the share of the limit."""
    ground = draw_million()
    parts = find_parts(ground, run(SETUP, ground, FillRules()))
    columns = find_columns(ground.bars)
    works: dict[str, Work] = {"memory stream": lambda: stream(*columns)} | parts
    alone: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(TURNS):
        for name, work in works.items():
            alone[name].append(time_alone(work))
    medians = {name: median(taken) for name, taken in alone.items()}
    stream_s = medians.pop("memory stream")
    ours = sum(medians.values())
    print(f"Kernels: {len(ground.bars):,} M1 bars, one core (load {os.getloadavg()[0]:.1f})")
    show("memory stream: sum of five columns", stream_s, ours)
    show("setupdesk, all kernels", ours, ours)
    for name, seconds in medians.items():
        show(f"  {name}", seconds, ours)
    turns = take_turns(
        {"stream": works["memory stream"], "ours": lambda: [work() for work in parts.values()]},
        ROUNDS,
    )
    whole = time_alone(lambda: run_setup(SETUP, GER40, ground.bars, ground.sessions))
    show("setupdesk, in turns with the stream", turns["ours"], ours)
    show("setupdesk, whole run_setup, numpy's part too", whole, ours)
    judge("share of the limit", 100 * stream_s / ours, 50, "%", least=True)
    print(f"  in turns: {100 * turns['stream'] / turns['ours']:.0f} %")


@numba.njit(nogil=True)
def stream(time: Ints, opened: Ints, high: Ints, low: Ints, close: Ints) -> int:
    """Add up five columns, one after the other."""
    total = 0
    for column in (time, opened, high, low, close):
        for row in range(len(column)):
            total += column[row]
    return total


def draw_million() -> Ground:
    """Draw a million bars and their sessions."""
    whole = draw_year(years=3)
    bars = whole.bars[:BARS]
    ends = int(bars.time[-1])
    sessions = [one for one in whole.sessions if one.closes_ms <= ends]
    return replace(whole, bars=bars, sessions=sessions)


def find_columns(bars: Bars) -> tuple[Ints, ...]:
    """Give the columns as kernels see them."""
    return tuple(map(feed, (bars.time, bars.open, bars.high, bars.low, bars.close)))


def find_parts(ground: Ground, known: Run) -> dict[str, Callable[[], object]]:
    """Give the calls of kernels that such a run makes, with what it makes them with."""
    bars, compiled, trigger = ground.bars, known.compiled, SETUP.trigger
    assert isinstance(trigger, SweepReclaim)  # noqa: S101
    starts, ends = compiled.spans["ib"]
    first, stop = compiled.watched
    depth = np.ones(len(first), np.int64)
    high, low = (
        Watch(first, stop, to_ticks(np.nan_to_num(compiled.levels[name]), bars.tick), depth)
        for name in ("ib.high", "ib.low")
    )
    patience = trigger.reclaim_within.in_bars(bars.timeframe)
    placed = place_orders(SETUP, compiled, bars, known.signals, known.market)
    caps, account = find_caps(SETUP, None), build_account(EXACT, Means(account=1e9))
    return {
        "initial balance": lambda: find_ranges(bars, starts, ends),
        "sweeps of the high": lambda: find_sweeps(bars, 1, high, patience),
        "sweeps of the low": lambda: find_sweeps(bars, -1, low, patience),
        "entries": lambda: find_entries(known.market, placed.waits),
        "trades": lambda: fill(known.market, known.orders, caps, account),
    }


def time_alone(work: Work) -> float:
    """Give the median of many runs, one after the other."""
    taken = []
    for _ in range(ROUNDS + 1):
        began = perf_counter()
        work()
        taken.append(perf_counter() - began)
    return median(taken[1:])


if __name__ == "__main__":
    main()
