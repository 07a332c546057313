"""Agreement with backtesting.py: the same signals must give the same trades at the same prices.

Ours runs with the fill rules ``backtesting.py`` and without costs. The peer, in an environment
of its own, is told only the signals: twice, first those that ours traded, and then all that ours
did not refuse for what it knew at the entry, with the limits of the setup. So what is compared is
how orders are executed. Any difference ends the command with an error. Run it with
``make agreement``.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.market import (
    GER40,
    WARM_UP,
    Ground,
    Run,
    draw_year,
    find_days,
    find_rule,
    run,
    weekdays,
    write_orders,
)
from bench.peer import ask_peer
from setupdesk.adapters.importers import read_bars
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine import tickets
from setupdesk.engine.costs import FILL_RULES
from setupdesk.market.bars import Bars, Ints

NAMED = ("IB_raid_v1", "IB_breakout_v1", "ORB30_break_v1")
OTHERS = ("PDHL_sweep_v1", "Asia_sweep_v1", "Gap_fill_v1")
"""Setups with orders that wait are not compared: filled inside a bar, the peer's stop and target
sleep until the next one."""

REAL = "shared/data/raw/rokas__FOREXCOM_GER40_M15.csv.gz"
BY_LIMITS = ("traded", "in_position", "session_limit", "side_limit")
"""What the peer decides itself; other verdicts rest on the open at which ours would enter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How one run compares."""

    trades: int
    same: int
    left_open: int
    """Trades that the bars end in: ours closes them at the last close, the peer does not."""

    refused: int
    """Trades of sessions in which the peer will not take an order: the close of the signal's bar
    already lies beyond its stop or target. Ours judges by the open at which it enters."""

    differing: list[str]


def main() -> None:
    """Compare on every market and print a line for each."""
    heads = f"{'market':<16}{'setup':<18}{'signals given':<16}"
    print(f"{heads}{'trades':>7}{'same':>7}{'open':>6}{'refused':>9}")
    wrong = 0
    for ground, setup_ids in find_grounds(sys.argv[1:]):
        for setup_id in setup_ids:
            wrong += compare(ground, setup_id)
    if wrong:
        sys.exit(f"{wrong} trades differ")


def find_grounds(files: list[str]) -> Iterator[tuple[Ground, tuple[str, ...]]]:
    """Give the markets, and what is traded on each."""
    found = [Path(files[0])] if files else [one / REAL for one in Path(__file__).parents]
    real = next((path for path in found if path.is_file()), None)
    if real is None:
        print(f"skipped: the real M15 bars; there is no ../{REAL}")
    else:
        yield read_real(real), (*NAMED, *OTHERS)
    yield draw_wild(), NAMED
    yield draw_year(), NAMED


def read_real(path: Path) -> Ground:
    """Read real bars of GER40; without the last sessions, so that no trade is cut off."""
    bars = read_bars(path.read_bytes(), path.name, GER40, Timeframe.M15, None).bars
    first, last = find_days(bars)
    return Ground(name="real M15", bars=bars, sessions=weekdays(first + WARM_UP, last))


def draw_wild() -> Ground:
    """Draw M15 bars with gaps between bars and wide ranges, so that rare cases are common."""
    calm = draw_year(Timeframe.M15)
    bars = calm.bars
    random = np.random.default_rng(5)
    gaps = random.integers(-400, 401, len(bars)) * (random.random(len(bars)) < 0.3)
    reach = random.integers(0, 500, (2, len(bars))) * (random.random((2, len(bars))) < 0.2)
    opened = bars.open + gaps
    high = np.maximum(bars.high, opened) + reach[0]
    low = np.minimum(bars.low, opened) - reach[1]
    columns = (bars.time, opened, high, low, bars.close, bars.volume)
    wild = Bars(bars.timeframe, bars.tick, *columns)
    return Ground(name="wild M15", bars=wild, sessions=calm.sessions)


def compare(ground: Ground, setup_id: str) -> int:
    """Compare one setup on one market, with both sets of signals; give how many trades differ."""
    setup = find_rule(setup_id).default
    ours = run(setup, ground, FILL_RULES["backtesting.py"])
    traded = np.flatnonzero(np.array(ours.verdicts) == "traded")
    limited = np.flatnonzero(np.isin(ours.verdicts, BY_LIMITS))
    none = {"per_session": 0, "per_side": 0}
    limits = {
        "per_session": setup.limits.max_trades_per_session,
        "per_side": setup.limits.max_trades_per_side or 0,
    }
    wrong = 0
    for words, rows, caps in (("traded", traded, none), ("all", limited, limits)):
        given = write_orders(ours.orders, rows, ground.bars.tick) | caps
        theirs = ask_peer("backtesting", "trade_with_backtesting", ground.bars, given)
        found = match(ours, traded, theirs, ground.bars)
        wrong += len(found.differing)
        print(
            f"{ground.name:<16}{setup_id:<18}{words} {len(rows):<{15 - len(words)}}"
            f"{found.trades:>7}{found.same:>7}{found.left_open:>6}"
            f"{found.refused:>9}",
            flush=True,
        )
        for line in found.differing[:10]:
            print("  ", line)
    return wrong


def match(ours: Run, traded: Ints, theirs: dict[str, Any], bars: Bars) -> Agreement:
    """Match trades by the bar of their entry."""
    ended = ours.exits.at_rows(traded)
    flat = ended.reason == tickets.FLAT
    cut = flat & (ended.row == len(bars) - 1)
    refused = np.isin(ours.orders.session[traded], theirs["refused"])
    exit_row = np.searchsorted(bars.time, ended.at)
    columns = (ours.orders.side, ours.orders.entered, ours.orders.entry)
    sides, rows, entries = (one[traded].tolist() for one in columns)
    mine = {
        row: (side, entry, int(out), int(price))
        for side, row, entry, out, price, ends in zip(
            sides, rows, entries, exit_row, ended.price, cut | refused, strict=True
        )
        if not ends
    }
    peer = {
        int(row): (int(side), round(entry / bars.tick), int(out), round(price / bars.tick))
        for side, row, entry, out, price, session in zip(
            *(theirs[name] for name in _PEER), strict=True
        )
        if session not in theirs["refused"]
    }
    differing = [
        f"row {row}: ours (side, entry, exit row, exit) {mine.get(row)}, theirs {peer.get(row)}"
        for row in sorted(mine.keys() | peer.keys())
        if mine.get(row) != peer.get(row)
    ]
    same = sum(peer.get(row) == trade for row, trade in mine.items())
    return Agreement(
        trades=len(traded),
        same=same,
        left_open=int(cut.sum()),
        refused=int((refused & ~cut).sum()),
        differing=differing,
    )


_PEER = ("side", "entry_row", "entry", "exit_row", "exit", "session")


if __name__ == "__main__":
    main()
