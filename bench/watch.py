"""What a watch of 100 symbols with 3 setups costs, polled each minute with a new bar for each.

The whole desk works: Scheduler, START, Prefect, executor, kernels, ledger. Stored M15 bars are
replayed 15 times as fast, so that every poll sees one new bar of every symbol: all 300 looks are
taken anew each minute, where on real time it would be every fifteenth.
"""

import os
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.client import Client, connect
from setupdesk.core.run import Door
from setupdesk.core.timeframe import Timeframe
from setupdesk.inline import open_inline
from setupdesk.market.data_set import Facts
from setupdesk.market.resample import resample
from setupdesk.market.synthetic import simulate_bars
from setupdesk.settings import Settings, load_settings
from setupdesk.supervisor import find_desk, start_detached, stop

SYMBOLS, TICKS = 100, 5
SETUPS = ["IB_raid_v1", "IB_breakout_v1", "PDHL_sweep_v1"]
MOST_OF_A_CORE, MOST_SECONDS = 0.20, 2.0
_HERTZ = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(
            {
                "SETUPDESK_HOME": folder,
                "SETUPDESK_PORT": "0",
                "SETUPDESK_PREFECT_PORT": "0",
            }
        )
        names = make_markets(settings)
        start_detached(settings)
        try:
            with connect(settings, Door.CLI) as desk:
                wait_until_ready(settings)
                idle = measure(settings, 60)
                polls, share = watch(desk, settings, names)
        finally:
            stop(settings)
    seconds = [seconds_of(one) for one in polls]
    print(f"{len(polls)} polls of {SYMBOLS} symbols x {len(SETUPS)} setups, all of them anew")
    print(f"a tick, from its time to the end of its run: {show(seconds)}")
    print(f"desk without a watch: {idle:.1%} of one core; with it: {share:.1%}")
    reached = share <= MOST_OF_A_CORE and max(seconds) <= MOST_SECONDS
    print(f"targets: below 20 % of one core, below 2 s: {'reached' if reached else 'MISSED'}")


def make_markets(settings: Settings) -> list[str]:
    """Make symbols that are as GER40, each with M15 bars of its own."""
    symbol = load_catalogue()["GER40"]
    fine = simulate_bars(symbol, date(2024, 10, 1), date(2025, 10, 31), seed=1)
    bars = resample(fine, Timeframe.M15, symbol.week, symbol.roll).closed()
    names = [f"MARKET{number}" for number in range(SYMBOLS)]
    desk, store = open_inline(settings, Door.CLI), BarStore(settings.bars)
    toml = desk.symbol("GER40")["toml"]
    aliases = toml[toml.index("aliases") : toml.index("tick")]
    for number, name in enumerate(names):
        text = toml.replace('"GER40"', f'"{name}"').replace(aliases, "aliases = []\n", 1)
        desk.add_symbol(text, f"{name}.toml", dry_run=False)
        drawn = np.random.default_rng(number).integers(-2, 3, len(bars))
        columns = {field: getattr(bars, field) + drawn for field in ("open", "close")}
        columns["high"] = np.maximum(bars.high, np.maximum(*columns.values()))
        columns["low"] = np.minimum(bars.low, np.minimum(columns["open"], columns["close"]))
        facts = Facts(
            source_file="bench",
            source_format="own",
            source_sha256="0",
            imported_at=datetime.now(UTC),  # noqa: TID251 (a benchmark is outside the desk)
            quality={},
            seed=number,
        )
        store.save(name, replace(bars, **columns), facts)
    desk.desk.close()
    return names


def watch(desk: Client, settings: Settings, names: list[str]) -> tuple[list[dict[str, Any]], float]:
    """Watch for some minutes; give the polls and the share of one core."""
    made = desk.add_watch(
        {
            "setups": SETUPS,
            "symbols": names,
            "timeframe": "M15",
            "feed": "replay",
            "replay_from": "2025-10-29 10:30",
            "speed": 15,
            "every": "1m",
        }
    )
    # The first poll warms caches, and looks at every bar since the session opened.
    while not [one for one in desk.polls(made["watch_id"], 1) if one["state"] == "completed"]:
        time.sleep(0.5)
    time.sleep(20)
    share = measure(settings, 60 * TICKS)
    polls = [one for one in desk.polls(made["watch_id"], TICKS) if one["state"] == "completed"]
    for one in polls:
        assert one["summary"]["looked"] == SYMBOLS * len(SETUPS), one  # noqa: S101
    return polls, share


def wait_until_ready(settings: Settings) -> None:
    """Wait until the executor is there and has nothing to warm up any more."""
    while "executor" not in (find_desk(settings) or {}).get("processes", {}):
        time.sleep(0.5)
    time.sleep(30)


def measure(settings: Settings, seconds: float) -> float:
    """Give the share of one core that the desk takes in this time, children included."""
    before, began = count_ticks(settings), time.perf_counter()
    time.sleep(seconds)
    used = (count_ticks(settings) - before) / _HERTZ
    return used / (time.perf_counter() - began)


def count_ticks(settings: Settings) -> int:
    """Count the processor time of the desk's processes, and of their children that ended."""
    processes = (find_desk(settings) or {})["processes"]
    total = 0
    for process in processes.values():
        fields = Path(f"/proc/{process['pid']}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return total


def seconds_of(poll: dict[str, Any]) -> float:
    """Give the time from the minute in which a poll was due to its end."""
    due = datetime.fromisoformat(poll["accepted_at"]).replace(second=0, microsecond=0)
    return (datetime.fromisoformat(poll["finished_at"]) - due).total_seconds()


def show(seconds: list[float]) -> str:
    """Write median and worst."""
    return f"median {median(seconds):.2f} s, worst {max(seconds):.2f} s"


if __name__ == "__main__":
    main()
