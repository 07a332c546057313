"""The market of all comparisons: simulated GER40 bars, their sessions, and the files for peers.

Peers run in environments of their own and know nothing of the desk. They read the bars, and
the signals that our engine has found, from an ``.npz`` file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.backtest import find_caps
from setupdesk.engine.compile import Compiled, compile_setup
from setupdesk.engine.costs import FillRules, Means, build_account, build_market, without_costs
from setupdesk.engine.explain import VERDICTS
from setupdesk.engine.fills import fill
from setupdesk.engine.orders import place_orders, price_orders
from setupdesk.engine.signals import Signals, find_signals
from setupdesk.engine.tickets import Exits, Market, Orders
from setupdesk.market.bars import Bars, Ints
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session, find_instants
from setupdesk.market.synthetic import simulate_bars
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import Rule

GER40 = load_catalogue()["GER40"]
EXACT = without_costs(GER40)
"""The same without spread and slippage, where peers cannot pay them as we do."""

WARM_UP = timedelta(days=31)
"""How long before the first session the bars begin: the daily ATR needs it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """Bars, and the sessions in them that are traded."""

    name: str
    bars: Bars
    sessions: Sequence[Session]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """What our engine did, in rows and ticks."""

    compiled: Compiled
    signals: Signals
    market: Market
    orders: Orders
    verdicts: Sequence[str]
    exits: Exits


def find_rule(setup_id: str) -> Rule:
    """Give a published rule."""
    rule = load_registry().find(setup_id)
    assert rule is not None, setup_id  # noqa: S101
    return rule


def draw_year(timeframe: Timeframe = Timeframe.M1, years: int = 1, seed: int = 1) -> Ground:
    """Draw the simulated market of *years* that end with October 2025."""
    last = date(2025, 10, 31)
    first = date(last.year - years, 11, 1)
    fine = simulate_bars(GER40, first - WARM_UP, last, seed)
    bars = resample(fine, timeframe, GER40.week, GER40.roll)
    return Ground(name=f"simulated {timeframe}", bars=bars, sessions=weekdays(first, last))


def weekdays(first: date, last: date, symbol: Symbol = GER40) -> list[Session]:
    """Give a session for each weekday, in the regular hours."""
    days = [first + timedelta(days=count) for count in range((last - first).days + 1)]
    bare = [Session(day, 0, 0) for day in days if day.weekday() < 5]
    edges = zip(*find_instants(symbol.session, bare), strict=True)
    return [
        Session(one.day, int(opens), int(closes))
        for one, (opens, closes) in zip(bare, edges, strict=True)
    ]


def find_days(bars: Bars) -> tuple[date, date]:
    """Give the first and the last date of *bars*, in UTC."""
    first, last = (datetime.fromtimestamp(int(bars.time[row]) / 1000, UTC) for row in (0, -1))
    return first.date(), last.date()


def run(setup: Setup, ground: Ground, rules: FillRules, symbol: Symbol = EXACT) -> Run:
    """Run *setup* step by step as the engine does, and keep all that it found."""
    bars = ground.bars
    compiled = compile_setup(setup, symbol, bars, ground.sessions)
    signals = find_signals(setup, compiled, bars)
    market = build_market(symbol, bars, None, compiled.offsets, rules)
    placed = place_orders(setup, compiled, bars, signals, market)
    orders = price_orders(setup, bars.tick, signals, placed)
    account = build_account(symbol, Means(account=1e9))
    verdicts, exits = fill(market, orders, find_caps(setup, None), account)
    words = [VERDICTS[code] for code in verdicts.tolist()]
    return Run(
        compiled=compiled,
        signals=signals,
        market=market,
        orders=orders,
        verdicts=words,
        exits=exits,
    )


def write_for_peer(path: Path, bars: Bars, **columns: Any) -> None:
    """Write bars and *columns* where a peer can read them; prices in points."""
    prices = {name: _points(getattr(bars, name), bars.tick) for name in _PRICES}
    np.savez(path, time=bars.time, tick=bars.tick, **prices, **columns)


def write_orders(orders: Orders, rows: Ints, tick: float) -> dict[str, Any]:
    """Give the columns of the orders that a peer shall place: 0 for no target."""
    far = np.abs(orders.target[rows]) >= 2**59
    return {
        "known": orders.known[rows],
        "last": orders.last[rows],
        "session": orders.session[rows],
        "side": orders.side[rows],
        "stop": _points(orders.stop[rows], tick),
        "target": np.where(far, 0.0, _points(orders.target[rows], tick)),
    }


_PRICES = ("open", "high", "low", "close")


def _points(ticks: Ints, tick: float) -> Any:
    return np.asarray(ticks / round(1 / tick))
