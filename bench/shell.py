"""One backtest of one M1 year from the shell: the whole process, from its start to its end.

``setupdesk backtest --inline`` does all that the desk does: it validates, numbers, writes audit
log and report, and prints. The engine alone, and the peers, read the same file of bars and only
trade; the peers are given our signals. Run it with ``python -m bench.shell``.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from bench.market import Ground, draw_year, find_rule, run, write_for_peer, write_orders
from bench.peer import HERE, build_environment
from bench.timing import judge, show
from setupdesk.engine.costs import FILL_RULES

ROUNDS = 5
SETUPDESK = str(Path(sys.executable).with_name("setupdesk"))
MARKET = ["--symbol", "GER40", "--start", "2024-10-01", "--end", "2025-10-31"]
REQUEST = ["-s", "IB_raid_v1", "-p", "GER40", "-i", "M1"]
PERIOD = ["--start", "2024-11-01", "--end", "2025-10-31"]


def main() -> None:
    """Measure in turns and print the ratios."""
    ground = draw_year()
    with tempfile.TemporaryDirectory() as folder:
        commands = prepare(Path(folder), ground)
        environment = os.environ | {"SETUPDESK_HOME": f"{folder}/home"}  # noqa: TID251
        call([SETUPDESK, "data", "simulate", *MARKET], environment)
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for count in range(ROUNDS + 1):
            for name, command in commands.items():
                if count <= 2 or "setupdesk" in name:
                    seconds = call(command, environment)
                    taken[name] += [seconds] if count else []
    medians = {name: median(each) for name, each in taken.items()}
    ours = medians["setupdesk backtest --inline"]
    print(f"From the shell: {len(ground.bars):,} M1 bars (load {os.getloadavg()[0]:.1f})")
    for name, seconds in medians.items():
        show(name, seconds, ours)
    judge("whole process", ours, 1.0, "s")
    judge("whole process, engine alone", medians["setupdesk, engine alone"], 1.0, "s")


def prepare(folder: Path, ground: Ground) -> dict[str, list[str]]:
    """Write the file of bars and give the commands, by name."""
    given, found = folder / "given.npz", str(folder / "found.npz")
    write_for_peer(given, ground.bars, **find_columns(ground))
    commands = {
        "setupdesk backtest --inline": [SETUPDESK, "backtest", *REQUEST, *PERIOD, "--inline"],
        "setupdesk, engine alone": [sys.executable, script("setupdesk"), str(given), found],
    }
    for name in ("backtesting", "vectorbt"):
        python = str(build_environment(name))
        commands[name] = [python, script(name), str(given), found]
    return commands


def find_columns(ground: Ground) -> dict[str, Any]:
    """Give the sessions, and the signals for the peers."""
    ours = run(find_rule("IB_raid_v1").default, ground, FILL_RULES["backtesting.py"])
    rows = np.flatnonzero(np.array(ours.verdicts) == "traded")
    return write_orders(ours.orders, rows, ground.bars.tick) | {
        "per_session": 0,
        "per_side": 0,
        "repeats": 1,
        "day": np.array([one.day for one in ground.sessions], "datetime64[D]"),
        "opens_ms": [one.opens_ms for one in ground.sessions],
        "closes_ms": [one.closes_ms for one in ground.sessions],
    }


def script(name: str) -> str:
    """Give the script that trades with *name*."""
    return str(HERE / f"peers/trade_with_{name}.py")


def call(command: list[str], environment: Mapping[str, str]) -> float:
    """Run a command to its end and give its seconds."""
    began = perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began


if __name__ == "__main__":
    main()
