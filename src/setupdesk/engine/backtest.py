"""The backtest: a setup, its bars and its sessions in; candidates, trades and reasons out."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from setupdesk.core.symbol import Symbol
from setupdesk.engine.compile import compile_setup
from setupdesk.engine.costs import Means, build_account, build_market
from setupdesk.engine.explain import Story
from setupdesk.engine.fills import fill
from setupdesk.engine.orders import place_orders, price_orders
from setupdesk.engine.result import Result
from setupdesk.engine.signals import find_signals
from setupdesk.engine.tell import tell
from setupdesk.engine.tickets import Caps
from setupdesk.market.bars import Bars
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session, session_by_clock
from setupdesk.market.synthetic import simulate_bars
from setupdesk.setups.definition import Setup

_UNLIMITED = 2**62


def run_setup(
    setup: Setup,
    symbol: Symbol,
    bars: Bars,
    sessions: Sequence[Session],
    max_trades_total: int | None = None,
    *,
    earlier: Sequence[Session] = (),
    fine: Bars | None = None,
    means: Means = Means(),  # noqa: B008 - frozen
) -> Result:
    """Test *setup* on *sessions*; *bars* begin earlier, so that the ATR is warm.

    *earlier* sessions are looked back on by levels such as the previous day. *fine* bars of the
    same symbol settle what the bars leave open. What was known by the close of any bar does not
    depend on the bars after it. A trade that the bars end in is closed at the last of them.
    """
    compiled = compile_setup(setup, symbol, bars, sessions, earlier)
    signals = find_signals(setup, compiled, bars)
    market = build_market(symbol, bars, fine, compiled.offsets, means.rules)
    placed = place_orders(setup, compiled, bars, signals, market)
    orders = price_orders(setup, bars.tick, signals, placed)
    caps = find_caps(setup, max_trades_total)
    account = build_account(symbol, means)
    verdicts, exits = fill(market, orders, caps, account)
    return tell(
        Story(setup, compiled, bars, signals, orders, market, caps, account, verdicts, exits)
    )


def warm_up(setups: Iterable[Setup], symbol: Symbol) -> None:
    """Compile every kernel that *setups* need, or load it from the cache on disk."""
    days = [date(2024, 1, 8) + timedelta(days=one) for one in range(3)]
    fine = simulate_bars(symbol, days[0], days[-1], seed=1)
    sessions = [session_by_clock(day, symbol.session) for day in days]
    for setup in setups:
        bars = resample(fine, setup.timeframes[-1], symbol.week, symbol.roll)
        run_setup(setup, symbol, bars, sessions[1:], earlier=sessions[:1], fine=fine)


def find_caps(setup: Setup, max_trades_total: int | None) -> Caps:
    """Give how many trades there may be."""
    limits = setup.limits
    return Caps(
        limits.max_trades_per_session,
        limits.max_trades_per_side or _UNLIMITED,
        _UNLIMITED if max_trades_total is None else max_trades_total,
    )
