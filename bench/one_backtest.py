"""One backtest of one M1 year in a warm process, statistics included, beside two other engines.

Ours finds levels, signals, fills and all statistics. The peers are given our signals and only
fill them and make their own figures, which spares them the larger part. Run it with
``python -m bench.one_backtest``.
"""

import os
from statistics import median

import numpy as np

from bench.market import GER40, draw_year, find_rule, run, write_orders
from bench.peer import ask_peer
from bench.timing import judge, show, take_turns
from setupdesk.engine.backtest import run_setup
from setupdesk.engine.costs import FILL_RULES
from setupdesk.engine.statistics import summarize

ROUNDS, TURNS = 20, 3


def main() -> None:
    """Measure in turns and print the ratios."""
    ground, setup = draw_year(), find_rule("IB_raid_v1").default
    bars, sessions = ground.bars, ground.sessions
    result = run_setup(setup, GER40, bars, sessions)
    works = {
        "setupdesk, statistics included": lambda: summarize(
            run_setup(setup, GER40, bars, sessions), GER40.zone
        ),
        "setupdesk, without statistics": lambda: run_setup(setup, GER40, bars, sessions),
    }
    free = run(setup, ground, FILL_RULES["backtesting.py"])
    rows = np.flatnonzero(np.array(free.verdicts) == "traded")
    given = write_orders(free.orders, rows, bars.tick) | {"per_session": 0, "per_side": 0}
    times: dict[str, list[float]] = {}
    versions = {}
    for _ in range(TURNS):
        for name, seconds in take_turns(works, ROUNDS).items():
            times.setdefault(name, []).append(seconds)
        for name, repeats in (("backtesting", 2), ("vectorbt", 4)):
            found = ask_peer(name, f"trade_with_{name}", bars, given | {"repeats": repeats})
            versions[name] = f"{name} {found['version']}"
            times.setdefault(name, []).append(median(found["seconds"].tolist()[1:]))
    print(
        f"One backtest: IB_raid_v1, {len(bars):,} M1 bars, {len(sessions)} sessions, "
        f"{len(result.candidates):,} candidates, {len(result.trades)} trades "
        f"(load {os.getloadavg()[0]:.1f})"
    )
    ours = median(times["setupdesk, statistics included"])
    for name, taken in times.items():
        told = f"{versions[name]}, warm, given our signals" if name in versions else name
        show(told, ours if median(taken) == ours else median(taken), ours)
    judge("one backtest", ours * 1000, 10, "ms")


if __name__ == "__main__":
    main()
