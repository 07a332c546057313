"""The timetable: when each Schedule is due, with the sessions of its markets in view."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from setupdesk.app.ports import Calendar
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.rhythm import AtBarClose, find_before
from setupdesk.core.schedule import MOST_JUDGED, Schedule, Terms
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.market.days import midnight_ms, to_ms

BEFORE, AHEAD = timedelta(days=400), timedelta(days=350)
"""How far sessions are looked at; calendars are known for a year from today."""


LEAD = timedelta(hours=12)
"""So long before a session opens a watch looks already: some setups trigger in the night before."""


@dataclass(frozen=True, slots=True)
class _Sessions:
    """When a market is open, from one day to another."""

    begin_ms: int
    end_ms: int
    opens: list[int]
    closes: list[int]

    def may_trade(self, begin: int, end: int) -> bool:
        """Say whether a session is open within ``[begin, end)``; what is not known may be."""
        if begin < self.begin_ms or end > self.end_ms:
            return True
        first = bisect_right(self.closes, begin)
        return first < len(self.opens) and self.opens[first] < end


@dataclass(frozen=True, slots=True)
class Timetable:
    """Finds ticks; what it has found once it need not find again."""

    catalogue: Catalogue
    calendar: Calendar
    sessions: dict[tuple[Any, ...], _Sessions] = field(default_factory=dict)
    found: dict[str, tuple[datetime, datetime, datetime | None]] = field(default_factory=dict)
    """By schedule: as of which change, since when, and the next tick."""

    def find_next(self, one: Schedule) -> datetime | None:
        """Find the first tick that is not accounted for; None where there never is one."""
        known = self.found.get(one.schedule_id)
        if known is None or known[:2] != (one.changed_at, one.accounted_until):
            tick = next(self.after(one.terms, one.accounted_until), None)
            known = (one.changed_at, one.accounted_until, tick)
            self.found[one.schedule_id] = known
        return known[2]

    def find_due(self, one: Schedule, now: datetime) -> list[datetime]:
        """Find the ticks up to *now* that are not accounted for, oldest first, or the oldest."""
        ticks = self.after(one.terms, one.accounted_until)
        return list(islice(takewhile(lambda tick: tick <= now, ticks), MOST_JUDGED + 1))

    def after(self, terms: Terms, instant: datetime) -> Iterator[datetime]:
        """Give every tick after *instant*, without those that no session came before."""
        if not terms.only_on_sessions:
            yield from terms.rhythm.after(instant)
            return
        rhythm = terms.rhythm
        offset = rhythm.offset if isinstance(rhythm, AtBarClose) else timedelta()
        markets, before = self._load_sessions(terms, instant), None
        lead = LEAD if terms.is_watch else timedelta()
        for tick in rhythm.after(instant):
            before = before or find_before(rhythm, tick)
            edges = (before or tick - BEFORE, tick + lead)
            span = [to_ms(edge - offset) for edge in edges]
            if not markets or any(market.may_trade(*span) for market in markets):
                yield tick
            before = tick

    def _load_sessions(self, terms: Terms, instant: datetime) -> list[_Sessions]:
        month = instant.date().replace(day=1)
        symbols = (self.catalogue.find(name) for name in terms.markets)
        return [self._load(symbol, month) for symbol in symbols if symbol]

    def _load(self, symbol: Symbol, month: date) -> _Sessions:
        key = (symbol.name, symbol.calendar, symbol.trade_on_holidays, symbol.session, month)
        if key not in self.sessions:
            self.sessions[key] = self._look_up(symbol, month)
        return self.sessions[key]

    def _look_up(self, symbol: Symbol, month: date) -> _Sessions:
        begin, end = month - BEFORE, month + AHEAD
        try:
            held = self.calendar.sessions(symbol, begin, end)
        except InvalidRequestError:
            # Nothing is known of these days, and a tick too many is better than none.
            return _Sessions(0, 0, [], [])
        return _Sessions(
            midnight_ms(begin, "UTC"),
            midnight_ms(end, "UTC"),
            [session.opens_ms for session in held],
            [session.closes_ms for session in held],
        )
