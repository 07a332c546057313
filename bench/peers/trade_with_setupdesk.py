"""The same whole process with our engine alone: bars from the file, signals, fills, statistics."""

import sys
from time import perf_counter

import numpy as np

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.statistics import summarize
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.registry import BUILT_IN, load_rule


def main() -> None:
    """Read bars and sessions, run once, and write how many trades there were."""
    began = perf_counter()
    source, target = sys.argv[1:3]
    given = dict(np.load(source))
    symbol = load_catalogue()["GER40"]
    opened, high, low, close = (
        np.rint(given[name] / symbol.tick).astype(np.int64)
        for name in ("open", "high", "low", "close")
    )
    empty = np.full(len(opened), np.nan)
    bars = Bars(Timeframe.M1, symbol.tick, given["time"], opened, high, low, close, empty)
    sessions = [
        Session(day.item(), int(opens), int(closes))
        for day, opens, closes in zip(
            given["day"], given["opens_ms"], given["closes_ms"], strict=True
        )
    ]
    setup = load_rule(BUILT_IN / "IB_raid_v1.yaml").default
    result = run_setup(setup, symbol, bars, sessions)
    trades = summarize(result, symbol.zone).outcomes.trades
    np.savez(target, seconds=[perf_counter() - began], trades=trades)


if __name__ == "__main__":
    main()
