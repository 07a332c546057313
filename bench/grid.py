"""A grid of 100 variants on one M1 year: ten targets by ten stops, in a warm process.

Ours finds levels and signals once, fills each variant and makes its figures; the sets of
parameters are also timed from their names and numbers on. The peers are given our signals with
stops and targets, and fewer variants, of which a hundred are extrapolated: vectorbt takes 25 at
once, since a hundred need 12 GiB; backtesting.py takes them one by one. Run it with
``python -m bench.grid``.
"""

import os
from itertools import product
from statistics import median
from typing import Any

import numpy as np

from bench.market import GER40, Ground, draw_year, find_rule, run, write_orders
from bench.peer import ask_peer
from bench.timing import judge, peak_mib, show, take_turns
from setupdesk.engine.batch import History, Variant, run_batch
from setupdesk.engine.costs import FILL_RULES

ROUNDS, TURNS = 10, 2
OF_VECTORBT, OF_BACKTESTING = 25, 2
RULE = find_rule("IB_raid_v1")
GRID = tuple(product((1 + step / 2 for step in range(10)), (step / 100 for step in range(10))))

_PRICES = ("stop", "target")


def main() -> None:
    """Measure in turns and print the ratios."""
    ground = draw_year()
    history = History(symbol=GER40, bars=ground.bars, sessions=ground.sessions)
    variants = make_variants()
    works = {
        "setupdesk, two threads": lambda: run_batch([history], variants, 2),
        "setupdesk, one thread": lambda: run_batch([history], variants, 1),
        "setupdesk, parameters resolved too": lambda: run_batch([history], make_variants(), 2),
    }
    rows = run_batch([history], variants)
    given = write_grid(ground)
    times: dict[str, list[float]] = {}
    notes: dict[str, str] = {}
    for _ in range(TURNS):
        for name, seconds in take_turns(works, ROUNDS).items():
            times.setdefault(name, []).append(seconds)
        few = given | {name: given[name][:: len(GRID) // OF_VECTORBT] for name in _PRICES}
        found = ask_peer("vectorbt", "trade_with_vectorbt", ground.bars, few | {"repeats": 3})
        name = f"vectorbt {found['version']}, warm, given our signals"
        seconds = median(found["seconds"].tolist()[1:]) * len(GRID) / OF_VECTORBT
        times.setdefault(name, []).append(seconds)
        peak = float(found["peak_mib"])
        notes[name] = f"extrapolated from {OF_VECTORBT} variants, peak of these {peak:,.0f} MiB"
        one = given | {name: given[name][0] for name in _PRICES} | {"repeats": OF_BACKTESTING}
        found = ask_peer("backtesting", "trade_with_backtesting", ground.bars, one)
        name = f"backtesting.py {found['version']}, given our signals"
        times.setdefault(name, []).append(median(found["seconds"].tolist()) * len(GRID))
        notes[name] = f"extrapolated from {OF_BACKTESTING} variants"
    trades = sum(row.brief.trades for row in rows)
    print(
        f"Grid: IB_raid_v1, {len(GRID)} variants, {len(ground.bars):,} M1 bars, "
        f"{trades:,} trades in all (load {os.getloadavg()[0]:.1f})"
    )
    ours = median(times["setupdesk, two threads"])
    notes["setupdesk, two threads"] = f"peak {peak_mib():,.0f} MiB"
    for name, taken in times.items():
        seconds = ours if name == "setupdesk, two threads" else median(taken)
        show(name, seconds, ours, notes.get(name, ""))
    judge("grid", ours * 1000, 50, "ms")
    judge("memory", peak_mib(), 400, "MiB")


def make_variants() -> list[Variant]:
    """Resolve the rule for each point of the grid."""
    return [Variant(setup=RULE.resolve({"stop_buffer": buffer}, rr, None)) for rr, buffer in GRID]


def write_grid(ground: Ground) -> dict[str, Any]:
    """Give the signals that the default trades, with the stops and targets of all variants."""
    rules = FILL_RULES["backtesting.py"]
    rows = np.flatnonzero(np.array(run(RULE.default, ground, rules).verdicts) == "traded")
    runs = [run(one.setup, ground, rules) for one in make_variants()]
    columns = [write_orders(one.orders, rows, ground.bars.tick) for one in runs]
    prices = {name: np.stack([one[name] for one in columns]) for name in _PRICES}
    return columns[0] | prices | {"per_session": 0, "per_side": 0}


if __name__ == "__main__":
    main()
