"""The order of a fetch: what is wanted of which feed, checked before anything is asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from setupdesk.app.ports import Feed
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.period import find_date
from setupdesk.core.problem import Problem, find_nearest
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe, find_timeframe
from setupdesk.market.days import day_of, midnight_ms, to_ms
from setupdesk.market.feed import DAY_MS

EARLIEST = date(1990, 1, 1)
_FIELDS = ("from", "symbol", "timeframe", "start", "end")


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOrder:
    """What to fetch."""

    feed: Feed
    symbol: Symbol
    timeframe: Timeframe
    first: date
    last: date
    days_ms: Sequence[int]
    """The UTC days that the market dates *first* to *last* touch, as far as they have begun."""

    @property
    def command(self) -> str:
        """The command that asks for the same again."""
        return (
            f"setupdesk data fetch {self.symbol.name} --from {self.feed.name} "
            f"--timeframe {self.timeframe} --start {self.first} --end {self.last}"
        )


def read_order(
    payload: Mapping[str, Any], catalogue: Catalogue, feeds: Mapping[str, Feed], now: datetime
) -> FetchOrder:
    """Read ``{from, symbol, timeframe, start, end}``, or raise with every Problem at once."""
    problems = [name_unknown(key, _FIELDS, "a fetch") for key in payload if key not in _FIELDS]
    feed = _read_feed(payload.get("from"), feeds, problems)
    symbol = read_symbol(payload.get("symbol"), catalogue, problems)
    if symbol and feed and feed.find_listing(symbol) is None:
        problems.append(_name_others(symbol, feed, feeds))
    timeframe = read_timeframe(payload.get("timeframe"), feed, problems)
    today = day_of(to_ms(now), symbol.zone if symbol else "UTC")
    first = read_day("start", payload.get("start"), problems)
    last = read_day("end", payload.get("end") or today, problems)
    if first and last:
        problems += _check_period(first, last, today)
    if problems or not (feed and symbol and timeframe and first and last):
        raise InvalidRequestError(problems)
    days_ms = _find_days(symbol, first, last, to_ms(now))
    return FetchOrder(
        feed=feed, symbol=symbol, timeframe=timeframe, first=first, last=last, days_ms=days_ms
    )


def _read_feed(name: object, feeds: Mapping[str, Feed], problems: list[Problem]) -> Feed | None:
    feed = feeds.get(str(name).lower())
    if feed is None:
        problems.append(_refuse("from", "unknown_feed", name, "a feed", tuple(feeds)))
    return feed


def read_symbol(name: object, catalogue: Catalogue, problems: list[Problem]) -> Symbol | None:
    """Find a symbol, or add why there is none to *problems*."""
    symbol = catalogue.find(str(name))
    if symbol is None:
        known = tuple(each.name for each in catalogue)
        problems.append(_refuse("symbol", "unknown_symbol", name, "a symbol", known))
    return symbol


def _name_others(symbol: Symbol, feed: Feed, feeds: Mapping[str, Feed]) -> Problem:
    others = tuple(each.name for each in feeds.values() if each.find_listing(symbol))
    have = f"feeds that have it: {', '.join(others)}" if others else "no feed has it"
    message = f"{feed.name} does not have {symbol.name}; {have}."
    return Problem(field="from", code="not_listed", message=message, allowed=others)


def _check_period(first: date, last: date, today: date) -> Iterator[Problem]:
    if first < EARLIEST:
        message = f"start was {first}; no feed is asked for days before {EARLIEST}."
        yield Problem(field="start", code="out_of_bounds", message=message)
    for name, day in (("start", first), ("end", last)):
        if day > today:
            message = f"{name} was {day}, in the future; today is {today} in the symbol's market."
            yield Problem(field=name, code="in_the_future", message=message, suggestion=str(today))
    if last < first <= today:
        message = f"end {last} is before start {first}."
        yield Problem(field="end", code="before_start", message=message, suggestion=str(first))


def read_day(name: str, value: object, problems: list[Problem]) -> date | None:
    """Read a day, or add to *problems* how it is written."""
    day = find_date(value)
    if value is None:
        message = f"{name} is missing. Write it as 2025-10-31."
        problems.append(Problem(field=name, code="missing", message=message))
    elif day is None:
        message = f"{name} was {str(value)[:50]!r}. Write it as 2025-10-31."
        problems.append(Problem(field=name, code="wrong_type", message=message))
    return day


def read_timeframe(value: object, feed: Feed | None, problems: list[Problem]) -> Timeframe | None:
    """Find a timeframe that *feed* gives, its first where none is said, or add to *problems*."""
    given = tuple(feed.timeframes) if feed else tuple(Timeframe)
    timeframe = given[0] if value is None else find_timeframe(str(value))
    if timeframe in given:
        return timeframe
    if timeframe is None:
        problems.append(_refuse("timeframe", "unknown_timeframe", value, "a timeframe", given))
    elif feed:
        message = (
            f"{feed.name} gives {', '.join(given)}. "
            f"{timeframe} is made from the finest bars that are stored."
        )
        problem = Problem(field="timeframe", code="not_given", message=message, allowed=given)
        problems.append(problem)
    return None


def _find_days(symbol: Symbol, first: date, last: date, now_ms: int) -> range:
    begin = midnight_ms(first, symbol.zone) // DAY_MS * DAY_MS
    return range(begin, min(midnight_ms(last + timedelta(days=1), symbol.zone), now_ms), DAY_MS)


def _refuse(name: str, code: str, value: object, what: str, known: tuple[str, ...]) -> Problem:
    known_ones = f"Known: {', '.join(known)}."
    if value is None:
        message = f"{name} is missing. {known_ones}"
        return Problem(field=name, code="missing", message=message, allowed=known)
    message = f"{str(value)[:50]!r} is not {what}. {known_ones}"
    nearest = find_nearest(str(value)[:50], known)
    return Problem(field=name, code=code, message=message, allowed=known, suggestion=nearest)


def name_unknown(key: str, known: tuple[str, ...], what: str) -> Problem:
    """Say that *key* is no field of *what*, which has the *known* ones."""
    message = f"{key[:50]!r} is no part of {what}."
    nearest = find_nearest(key[:50], known)
    return Problem(
        field=key[:50], code="unknown_field", message=message, allowed=known, suggestion=nearest
    )
