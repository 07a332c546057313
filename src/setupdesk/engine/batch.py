"""Batches: many variants of a setup on many symbols, ranked by a few figures each.

What a variant shares with another is found once: levels, signals and where orders are filled do
not depend on stops, targets and limits.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np

from setupdesk.core.symbol import Symbol
from setupdesk.engine.averages import find_mean, find_ratio, find_sd
from setupdesk.engine.backtest import find_caps, run_setup
from setupdesk.engine.brief import Brief, summarize_briefly
from setupdesk.engine.compile import Compiled, compile_setup
from setupdesk.engine.costs import Means, build_account, build_market
from setupdesk.engine.explain import Story
from setupdesk.engine.fills import fill
from setupdesk.engine.orders import Placed, place_orders, price_orders
from setupdesk.engine.result import Result
from setupdesk.engine.sharpe import SharpeOdds, weigh_luck
from setupdesk.engine.signals import Signals, find_signals
from setupdesk.engine.tell import tell_r
from setupdesk.engine.tickets import TRADED, Market
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import SESSION_OPEN, Setup

_LATE = {"stop", "target", "min_rr", "limits"}
"""What a setup says of an order once it is known where it is filled."""

_EARLY = tuple(name for name in Setup.model_fields if name not in _LATE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """What ``run_setup`` needs to know of one symbol."""

    symbol: Symbol
    bars: Bars
    sessions: Sequence[Session]
    earlier: Sequence[Session] = ()
    fine: Bars | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variant:
    """One of the setups that are tried, and what it trades with."""

    setup: Setup
    max_trades_total: int | None = None
    means: Means = field(default_factory=Means)

    def run(self, history: History) -> Result:
        """Test it on *history*, with every candidate and its reasons."""
        return run_setup(
            self.setup,
            history.symbol,
            history.bars,
            history.sessions,
            self.max_trades_total,
            earlier=history.earlier,
            fine=history.fine,
            means=self.means,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Row:
    """What one variant did on one symbol."""

    symbol: str
    variant: int
    """Place in the variants that were given."""

    brief: Brief
    luck: SharpeOdds
    """The best of many variants looks good by luck alone; the deflated figure allows for it."""

    find_result: Callable[[], Result]
    """Run it once more, for the whole Result."""


def run_batch(
    histories: Sequence[History], variants: Sequence[Variant], workers: int = 2
) -> tuple[Row, ...]:
    """Test all *variants* on all *histories*; rows come in the order given, by symbol first.

    Each row has the figures that ``run_setup`` would give. *workers* threads share the work.
    Raises ``InvalidRuleError`` where ``run_setup`` does.
    """
    with ThreadPoolExecutor(workers) as pool:
        return tuple(chain.from_iterable(_try_all(one, variants, pool) for one in histories))


@dataclass(frozen=True, slots=True, eq=False)
class _Shared:
    """What the variants of one group have in common."""

    compiled: Compiled
    signals: Signals
    """Only those that were not refused at once."""

    market: Market
    placed: Placed


def _try_all(history: History, variants: Sequence[Variant], pool: ThreadPoolExecutor) -> list[Row]:
    groups = _group(variants)
    shared = list(pool.map(partial(_share, history), [variants[one[0]] for one in groups]))
    tries = [(variant, of) for of, group in zip(shared, groups, strict=True) for variant in group]
    found = pool.map(lambda one: _try(history, variants[one[0]], one[1]), tries)
    columns = dict(zip((variant for variant, _ in tries), found, strict=True))
    variance = _find_variance([r for r, _ in columns.values()])
    return [
        Row(
            symbol=history.symbol.name,
            variant=place,
            brief=summarize_briefly(*columns[place]),
            luck=weigh_luck(columns[place][0], len(variants), variance),
            find_result=partial(variant.run, history),
        )
        for place, variant in enumerate(variants)
    ]


def _group(variants: Sequence[Variant]) -> list[list[int]]:
    # The places of variants that differ in nothing but stops, targets and limits.
    groups: list[list[int]] = []
    for place, variant in enumerate(variants):
        for group in groups:
            if _is_alike(variants[group[0]], variant):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def _is_alike(one: Variant, other: Variant) -> bool:
    return (
        one.means.rules == other.means.rules
        and _asks_open(one.setup) == _asks_open(other.setup)
        and all(getattr(one.setup, name) == getattr(other.setup, name) for name in _EARLY)
    )


def _asks_open(setup: Setup) -> bool:
    # An order that waits is placed later if its stop or target has to know how the day opened.
    formulas = (setup.stop.price, setup.target.price)
    return any(formula is not None and SESSION_OPEN in formula.names for formula in formulas)


def _share(history: History, variant: Variant) -> _Shared:
    setup, symbol, bars = variant.setup, history.symbol, history.bars
    compiled = compile_setup(setup, symbol, bars, history.sessions, history.earlier)
    signals = find_signals(setup, compiled, bars)
    signals = signals.at(np.flatnonzero(signals.refused == TRADED))
    market = build_market(symbol, bars, history.fine, compiled.offsets, variant.means.rules)
    placed = place_orders(setup, compiled, bars, signals, market)
    return _Shared(compiled, signals, market, placed)


def _try(history: History, variant: Variant, of: _Shared) -> tuple[Floats, Ints]:
    # The R and the session of each trade, in order of exit.
    setup, bars = variant.setup, history.bars
    orders = price_orders(setup, bars.tick, of.signals, of.placed)
    caps = find_caps(setup, variant.max_trades_total)
    account = build_account(history.symbol, variant.means)
    filled = fill(of.market, orders, caps, account)
    return tell_r(
        Story(setup, of.compiled, bars, of.signals, orders, of.market, caps, account, *filled)
    )


def _find_variance(columns: Sequence[Floats]) -> float | None:
    # Of the Sharpe ratios of all variants; unknown where fewer than two have one.
    ratios = [find_ratio(find_mean(r), find_sd(r)) for r in columns]
    known = np.array([ratio for ratio in ratios if ratio is not None])
    return float(known.var(ddof=1)) if len(known) > 1 else None
