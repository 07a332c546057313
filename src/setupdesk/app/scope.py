"""The scope of a run: what of a market a request lets its setup trade, known without the engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from statistics import median

from setupdesk.app.ports import BarStore, Calendar
from setupdesk.core.errors import MissingBarsError
from setupdesk.core.request import Mode, Request
from setupdesk.core.setup_terms import RUN_PARAMS
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Manifest
from setupdesk.market.days import day_of, midnight_ms
from setupdesk.market.resample import resample
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup
from setupdesk.setups.levels import Atr
from setupdesk.setups.rule import Rule

LIVE_DAYS = 14
"""A live scan looks for its session this far back: over any run of holidays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A setup with its parameters, the sessions to walk through, and the bars they stand on."""

    setup: Setup
    symbol: Symbol
    source: Manifest
    sessions: tuple[Session, ...]
    bars: Bars
    """Warm-up and period, in the request's timeframe."""

    warm_up: timedelta
    """How long before the first session bars are wanted."""

    @property
    def warm_up_bars(self) -> int:
        """Count the bars that lie before the first session."""
        return len(self.bars.between(0, self.sessions[0].opens_ms))


def find_scope(  # noqa: PLR0913, PLR0917 (a request, and all that it is about)
    request: Request,
    rule: Rule,
    symbol: Symbol,
    bar_store: BarStore,
    calendar: Calendar,
    add_newest: Callable[[Symbol, Bars], Bars] = lambda _, stored: stored,
) -> Scope:
    """Settle what *request* is about; raises ``MissingBarsError``.

    *add_newest* gives stored bars with what a feed has beyond them, for a look at now.
    """
    setup = resolve(rule, request)
    source = bar_store.find_source(symbol.name, request.timeframe)
    if source is None:
        raise MissingBarsError(symbol.name, request.timeframe, "any day")
    stored = bar_store.load(symbol.name, source.timeframe, source.fingerprint)
    if request.mode is Mode.LIVE and request.at is None:
        stored = add_newest(symbol, stored)
    if request.at:
        stored = _until(stored, request.at)
        if not len(stored):
            raise MissingBarsError(symbol.name, request.timeframe, f"the time before {request.at}")
    sessions = _find_sessions(request, symbol, stored, calendar)
    warm_up = find_warm_up(setup, symbol)
    near = cut(stored, symbol, sessions, warm_up)
    return Scope(
        setup=setup,
        symbol=symbol,
        source=source,
        sessions=sessions,
        bars=resample(near, request.timeframe, symbol.week, symbol.roll).closed(),
        warm_up=warm_up,
    )


def _until(stored: Bars, at: datetime) -> Bars:
    """Give the bars that had closed at a moment: nothing later was known then."""
    return stored.between(0, int(at.timestamp() * 1000) - stored.timeframe.milliseconds + 1)


def estimate_seconds(speeds: Sequence[tuple[int, float]], bars: int) -> float | None:
    """Estimate a run over *bars* by (bars, seconds) of earlier ones; None where there are none."""
    found = [seconds / count for count, seconds in speeds if count]
    return round(median(found) * bars, 3) if found else None


def _find_sessions(
    request: Request, symbol: Symbol, stored: Bars, calendar: Calendar
) -> tuple[Session, ...]:
    if request.start and request.end:
        found = calendar.sessions(symbol, request.start, request.end)
        period = f"{request.start} to {request.end}"
    else:
        last = day_of(int(stored.time[-1]), symbol.zone)
        recent = calendar.sessions(symbol, last - timedelta(days=LIVE_DAYS), last)
        begun = [session for session in recent if session.opens_ms <= stored.time[-1]]
        found, period = begun[-1:], f"the session before {last}"
    if not found:
        raise MissingBarsError(symbol.name, request.timeframe, period)
    return tuple(found)


def resolve(rule: Rule, request: Request) -> Setup:
    """Put the values of *request* into its rule."""
    params = {key: value for key, value in request.extra.items() if key not in RUN_PARAMS}
    options = request.options
    return rule.resolve(params, rr_target=options.rr_target, max_trades=options.max_trades)


def find_total(request: Request) -> int | None:
    """Give the most trades of the whole run; None for no cap."""
    total = request.extra.get("max_trades_total")
    return None if total is None else int(total)


def find_warm_up(setup: Setup, symbol: Symbol) -> timedelta:
    """Give how long before the first session bars are wanted."""
    # Wilder's smoothing forgets its start: after ten lengths less than 0.01 % is left of it.
    daily = (level for level in setup.levels.values() if isinstance(level, Atr))
    lengths = [level.length for level in daily if level.timeframe is Timeframe.D1]
    days = 10 * max(lengths, default=0) + setup.previous_sessions
    return timedelta(days=ceil(days * (1 if symbol.week == "24x7" else 7 / 5)) + 7)


def find_earlier(
    setup: Setup, symbol: Symbol, calendar: Calendar, first: date
) -> tuple[Session, ...]:
    """Give the sessions before *first* on which the levels of *setup* look back."""
    if not setup.previous_sessions:
        return ()
    # Twice the days and a fortnight: over weekends and any run of holidays.
    start = first - timedelta(days=2 * setup.previous_sessions + 14)
    found = calendar.sessions(symbol, start, first - timedelta(days=1))
    return tuple(found[-setup.previous_sessions :])


def cut(stored: Bars, symbol: Symbol, sessions: tuple[Session, ...], warm_up: timedelta) -> Bars:
    """Give the bars from *warm_up* before the first of *sessions* to the end of the last day."""
    first = sessions[0].day - warm_up
    after = sessions[-1].day + timedelta(days=1)
    return stored.between(midnight_ms(first, symbol.zone), midnight_ms(after, symbol.zone))
