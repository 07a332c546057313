"""Stored bars for charts: the newest of a period, a page at a time, as columns of numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from setupdesk.app.ports import BarStore
from setupdesk.core.errors import InvalidRequestError, NotFoundError
from setupdesk.core.period import find_date
from setupdesk.core.problem import Problem
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe, find_timeframe
from setupdesk.engine.plain import count_decimals, write_numbers
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Manifest
from setupdesk.market.days import midnight_ms
from setupdesk.market.feed import DAY_MS
from setupdesk.market.resample import resample

MOST_BARS = 50_000
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_MARGIN_MS = 4 * DAY_MS
"""Longer than any bar and the weekend in it: what is made of finer bars is whole within it."""


@dataclass(frozen=True, slots=True)
class ShowBars:
    """Show the bars of a data set, or those that are made from a finer one."""

    catalogue: Catalogue
    bar_store: BarStore

    def __call__(  # noqa: PLR0913 (the query's own parts)
        self,
        symbol: str,
        timeframe: str,
        *,
        start: str | None,
        end: str | None,
        limit: int,
        cursor: str | None,
    ) -> dict[str, Any]:
        """Give the last *limit* bars of market dates *start* to *end*, both inclusive.

        The oldest comes first; ``next_cursor`` is for those before them. Times are the opens in
        UTC milliseconds, prices are points. Raises ``InvalidRequestError``, ``NotFoundError``.
        """
        known, size = self.catalogue.need(symbol), find_timeframe(timeframe)
        if size is None:
            raise NotFoundError("timeframe", timeframe, tuple(Timeframe))
        first_ms, stop_ms = _read_span(known, start, end, cursor)
        source = self.bar_store.find_source(known.name, size)
        if source is None:
            raise NotFoundError("data set", f"{known.name} {size}")
        stored = self.bar_store.load(known.name, source.timeframe, source.fingerprint)
        found = find_last(stored, size, known, (first_ms, stop_ms), limit + 1)
        page = found[max(0, len(found) - limit) :]
        more = len(found) > limit
        return _describe(known, size, source) | {
            **write_columns(page),
            "next_cursor": str(int(page.time[0])) if more else None,
        }


def _read_span(
    symbol: Symbol, start: str | None, end: str | None, cursor: str | None
) -> tuple[int, int]:
    problems = [*_judge_day("start", start), *_judge_day("end", end), *_judge_cursor(cursor)]
    first, last = find_date(start), find_date(end)
    if not problems and first and last and last < first:
        message = f"end {last} lies before start {first}."
        allowed = (f"{first} or later",)
        problems.append(
            Problem(field="end", code="end_before_start", message=message, allowed=allowed)
        )
    if problems:
        raise InvalidRequestError(problems)
    first_ms = midnight_ms(first, symbol.zone) if first else 0
    stop_ms = midnight_ms(last + timedelta(days=1), symbol.zone) if last else 2**62
    return first_ms, min(stop_ms, int(cursor)) if cursor else stop_ms


def _judge_day(name: str, text: str | None) -> Iterator[Problem]:
    day = find_date(text)
    if text is not None and not (day and _FIRST_YEAR <= day.year <= _LAST_YEAR):
        message = f"{name} was {text[:30]!r}, which is no date from {_FIRST_YEAR} to {_LAST_YEAR}."
        allowed = ("YYYY-MM-DD",)
        yield Problem(field=name, code="wrong_date", message=message, allowed=allowed)


def _judge_cursor(text: str | None) -> Iterator[Problem]:
    if text is not None and not (text.isascii() and text.isdigit() and len(text) <= 15):
        message = "The cursor is none of ours: it is the next_cursor of the page before."
        yield Problem(field="cursor", code="wrong_cursor", message=message)


def find_last(
    stored: Bars, timeframe: Timeframe, symbol: Symbol, span: tuple[int, int], count: int
) -> Bars:
    """Give the last *count* bars that open in *span*, or all where there are fewer."""
    first_ms, stop_ms = span
    if timeframe is stored.timeframe:
        found = stored.between(first_ms, stop_ms)
        return found[max(0, len(found) - count) :]
    oldest, newest = int(stored.time[0]), min(stop_ms, stored.end_ms)
    # Twice their time has enough of them where the market is open half of it; else some more.
    reach = 2 * count * timeframe.milliseconds + _MARGIN_MS
    while True:
        from_ms = max(first_ms, newest - reach)
        near = stored.between(from_ms - _MARGIN_MS, newest + _MARGIN_MS)
        made = resample(near, timeframe, symbol.week, symbol.roll).closed()
        found = made.between(from_ms, stop_ms)
        if len(found) >= count or from_ms <= max(first_ms, oldest - _MARGIN_MS):
            return found[max(0, len(found) - count) :]
        reach *= 4


def _describe(symbol: Symbol, timeframe: Timeframe, source: Manifest) -> dict[str, Any]:
    return {
        "symbol": symbol.name,
        "timeframe": timeframe,
        "zone": symbol.zone,
        "bars_timeframe": source.timeframe,
        "bars_fingerprint": source.fingerprint,
        "simulated": source.simulated,
    }


def write_columns(bars: Bars) -> dict[str, list[Any]]:
    """Write bars as columns: opens in UTC milliseconds, prices in points."""
    decimals = count_decimals(bars.tick)
    prices = {
        name: write_numbers(getattr(bars, name) * bars.tick, decimals)
        for name in ("open", "high", "low", "close")
    }
    return {"time": bars.time.tolist(), **prices, "volume": write_numbers(bars.volume)}
