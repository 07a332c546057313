"""The backtest: a setup, its bars and its sessions in; candidates, trades and reasons out."""

from collections.abc import Sequence

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.detectors.atr import find_atr
from setupdesk.detectors.session_range import find_ranges
from setupdesk.detectors.sweep import Watch, find_sweeps
from setupdesk.engine.compile import compile_setup
from setupdesk.engine.costs import find_slippage, find_spreads
from setupdesk.engine.explain import Story
from setupdesk.engine.fills import Caps, Orders, TickCosts, fill
from setupdesk.engine.orders import place_orders
from setupdesk.engine.result import Result
from setupdesk.engine.signals import find_signals
from setupdesk.engine.tell import tell_candidates, tell_sessions, tell_trades
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup

_UNLIMITED = 2**62


def run_setup(
    setup: Setup,
    symbol: Symbol,
    bars: Bars,
    sessions: Sequence[Session],
    max_trades_total: int | None = None,
) -> Result:
    """Test *setup* on *sessions*; *bars* begin earlier, so that the ATR is warm.

    What was known by the close of any bar does not depend on the bars after it. A trade that
    the bars end in is closed at the last of them.
    """
    compiled = compile_setup(setup, symbol, bars, sessions)
    signals = find_signals(setup, compiled, bars)
    costs = TickCosts(
        find_spreads(symbol.costs, bars.tick),
        compiled.offsets,
        find_slippage(symbol.costs, bars.tick),
    )
    orders = place_orders(setup, compiled, bars, signals, costs)
    caps = _find_caps(setup, max_trades_total)
    verdicts, outcomes = fill(bars, orders, costs, caps)
    story = Story(setup, compiled, bars, signals, orders, costs, caps, verdicts, outcomes)
    return Result(
        sessions=tuple(tell_sessions(compiled, bars)),
        candidates=tuple(tell_candidates(story)),
        trades=tuple(tell_trades(story)),
    )


def warm_up() -> None:
    """Compile every kernel, or load it from the cache on disk, before the first request."""
    rows = np.arange(3, dtype=np.int64)
    bars = Bars(Timeframe.M15, 1.0, rows, rows, rows, rows, rows, rows.astype(np.float64))
    find_atr(bars, 2)
    find_ranges(bars, rows[:1], rows[2:])
    find_sweeps(bars, 1, Watch(rows[:1], rows[2:], rows[:1], rows[:1]), 1)
    none = rows[:0]
    fill(bars, Orders(*[none] * 9), TickCosts(rows, rows, 0), Caps(1, 1, 1))


def _find_caps(setup: Setup, max_trades_total: int | None) -> Caps:
    limits = setup.limits
    return Caps(
        limits.max_trades_per_session,
        limits.max_trades_per_side or _UNLIMITED,
        _UNLIMITED if max_trades_total is None else max_trades_total,
    )
