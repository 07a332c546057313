"""The scope of a run: what of a market, and with what means, a request lets its setup trade."""

from datetime import date, timedelta
from math import ceil

from setupdesk.app.ports import Calendar
from setupdesk.core.request import Request
from setupdesk.core.setup_terms import RUN_PARAMS
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.engine.costs import FILL_RULES, Means
from setupdesk.market.bars import Bars
from setupdesk.market.days import midnight_ms
from setupdesk.market.sessions import Session
from setupdesk.setups.definition import Setup
from setupdesk.setups.levels import Atr
from setupdesk.setups.rule import Rule


def resolve(rule: Rule, request: Request) -> Setup:
    """Put the values of *request* into its rule."""
    params = {key: value for key, value in request.extra.items() if key not in RUN_PARAMS}
    options = request.options
    return rule.resolve(params, rr_target=options.rr_target, max_trades=options.max_trades)


def find_means(request: Request) -> Means:
    """Give the account, the risk and the fill rules that *request* asks for."""
    account = request.extra.get("account")
    return Means(
        account=None if account is None else float(account),
        risk_percent=float(request.extra.get("risk_percent", Means().risk_percent)),
        rules=FILL_RULES[str(request.extra.get("fill_rules", "setupdesk"))],
    )


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
