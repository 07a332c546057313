"""Push: closed bars that another program sends, kept in the spool until they are fetched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
)

from setupdesk.app.ports import Clock, Spool
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.problem import Problem
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.days import from_ms, to_ms
from setupdesk.market.feed import (
    DAY_MS,
    GRID,
    Chunk,
    build_bars,
    join_bars,
    keep_closed,
    list_mistakes,
    no_bars,
)

_WEEK = 7
"""Older bars are history: a file of them is imported."""

_MOST = 10_000

MOST_TOLD = 20
"""Mistakes of one sending; its sender makes the same one in every bar."""


def _need_text(value: object) -> object:
    if isinstance(value, str) and value[:4].isdecimal() and 1990 <= int(value[:4]) <= 2100:
        return value
    raise ValueError("it has to be a text of ISO 8601 with an offset, from 1990 to 2100")


Price = Annotated[float, Strict(), Field(gt=-1e9, lt=1e9)]
"""Far beyond any market, and within what can be counted in ticks."""


class PushedBar(BaseModel):
    """One closed bar as it is sent; ``time`` is its open, with an offset from UTC."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    time: Annotated[AwareDatetime, BeforeValidator(_need_text)]
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Annotated[float, Strict(), Field(le=1e15)] | None = None


_PUSHED = TypeAdapter(Annotated[list[PushedBar], Field(min_length=1, max_length=_MOST)])


@dataclass(frozen=True, slots=True, kw_only=True)
class PushFeed:
    """Bars that are sent, instead of asked for."""

    spool: Spool
    now: Clock
    name: str = "push"
    clock: str = "UTC"
    side: Literal["bid"] = "bid"
    timeframes: Sequence[Timeframe] = GRID
    _turn: Lock = field(default_factory=Lock, repr=False)

    def accept(self, symbol: Symbol, timeframe: Timeframe, sent: Sequence[Any]) -> dict[str, int]:
        """Take bars in, all or none; those that are here already are counted and change nothing.

        Raises ``InvalidRequestError``: bars must be closed, whole, on the grid, in order, not
        older than a week, after those that are here, and equal to them where they are the same.
        """
        bars = _read(symbol, timeframe, sent)
        now_ms = to_ms(self.now())
        with self._turn:
            held = self._held(symbol, timeframe, now_ms)
            _check(bars, held, symbol, now_ms)
            added = bars[int(np.searchsorted(bars.time, held.time[-1:].max(initial=-1), "right")) :]
            for day_ms in np.unique(added.time // DAY_MS * DAY_MS).tolist():
                self._append(symbol, timeframe, day_ms, added.between(day_ms, day_ms + DAY_MS))
        return {"added": len(added), "repeated": len(bars) - len(added)}

    def find_listing(self, symbol: Symbol) -> str | None:
        """Find the symbol's own name: whoever sends bars uses it."""
        return symbol.name

    def fetch(
        self, symbol: Symbol, timeframe: Timeframe, start_ms: int, stop_ms: int
    ) -> Iterator[Chunk]:
        """Give what was sent, day by day; more may come."""
        for day_ms in range(start_ms, stop_ms, DAY_MS):
            yield self._find_day(symbol, timeframe, day_ms)

    def newest(self, symbol: Symbol, timeframe: Timeframe, count: int) -> Bars:
        """Give the last *count* bars that were sent in the last week."""
        held = self._held(symbol, timeframe, to_ms(self.now()))
        return held[max(0, len(held) - count) :]

    def _held(self, symbol: Symbol, timeframe: Timeframe, now_ms: int) -> Bars:
        today = now_ms // DAY_MS * DAY_MS
        days = range(today - _WEEK * DAY_MS, today + DAY_MS, DAY_MS)
        return join_bars([self._find_day(symbol, timeframe, day_ms).bars for day_ms in days])

    def _find_day(self, symbol: Symbol, timeframe: Timeframe, day_ms: int) -> Chunk:
        nothing = no_bars(symbol, timeframe)
        return self.spool.find(self.name, symbol, timeframe, day_ms) or Chunk(
            start_ms=day_ms, bars=nothing, sha256="", is_final=False
        )

    def _append(self, symbol: Symbol, timeframe: Timeframe, day_ms: int, added: Bars) -> None:
        bars = join_bars([self._find_day(symbol, timeframe, day_ms).bars, added])
        chunk = Chunk(start_ms=day_ms, bars=bars, sha256=bars.fingerprint(), is_final=False)
        self.spool.keep(self.name, symbol, timeframe, chunk)


def _read(symbol: Symbol, timeframe: Timeframe, sent: Sequence[Any]) -> Bars:
    try:
        bars = _PUSHED.validate_python(sent)
    except ValidationError as wrong:
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in wrong.errors()]
        raise InvalidRequestError(
            [_problem(place, says) for place, says in faults[:MOST_TOLD]]
        ) from wrong
    time = np.array([to_ms(bar.time) for bar in bars], np.int64)
    prices = np.array([(bar.open, bar.high, bar.low, bar.close) for bar in bars]).T
    volume = np.array([bar.volume for bar in bars], np.float64)
    return build_bars(symbol, timeframe, time, prices, volume)


def _check(bars: Bars, held: Bars, symbol: Symbol, now_ms: int) -> None:
    mistakes = islice(list_mistakes(bars, symbol), MOST_TOLD)
    if problems := [_problem(str(row), f"Refused: {says}.") for row, says in mistakes]:
        raise InvalidRequestError(problems)
    if len(keep_closed(bars, now_ms)) < len(bars):
        says = f"The bar of {_last(bars)} is not closed yet."
        raise InvalidRequestError([_problem(str(len(bars) - 1), says)])
    if int(bars.time[0]) < now_ms // DAY_MS * DAY_MS - _WEEK * DAY_MS:
        says = f"The first bar is older than {_WEEK} days. Import older bars as a file."
        raise InvalidRequestError([_problem("0.time", says)])
    _check_repeated(bars, held)


def _check_repeated(bars: Bars, held: Bars) -> None:
    if not len(held):
        return
    for place in range(int(np.searchsorted(bars.time, held.time[-1], "right"))):
        row = int(np.searchsorted(held.time, bars.time[place]))
        at = f"{from_ms(int(bars.time[place])):%Y-%m-%d %H:%M} UTC"
        if held.time[row] != bars.time[place]:
            says = f"The bar of {at} comes after that of {_last(held)}. Send bars in order."
            raise InvalidRequestError([_problem(f"{place}.time", says)])
        if bars[place : place + 1].fingerprint() != held[row : row + 1].fingerprint():
            says = f"The bar of {at} was sent before with other prices. A closed bar never changes."
            raise InvalidRequestError([_problem(str(place), says)])


def _last(bars: Bars) -> str:
    return f"{from_ms(int(bars.time[-1])):%Y-%m-%d %H:%M} UTC"


def _problem(place: str, message: str) -> Problem:
    where = f"bars.{place}" if place else "bars"
    return Problem(field=where, code="invalid_bars", message=message)
