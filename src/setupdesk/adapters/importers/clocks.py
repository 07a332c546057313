"""Clocks of files: wall times become UTC, with a clock that is declared, fixed or proposed."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from setupdesk.adapters.importers.rows import Flags, NotReadableError, Rows, name_first
from setupdesk.core.errors import ClockNeededError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.clock import Clock, parse_clock
from setupdesk.market.clock_evidence import find_stamping, propose_clock

Stamped = Literal["open", "close"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the owner of a file says of its times."""

    clock: str | None = None
    accept_clock: bool = False
    stamped_at: Stamped | None = None
    reference: Bars | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Rows in UTC, stamped at open, and the clock that they had."""

    rows: Rows
    clock: Clock
    found: str = ""
    """How the clock is known, in words."""

    warnings: tuple[str, ...] = ()
    doubt: ClockNeededError | None = None
    """What to raise once all else is right: nobody said the clock, this one was proposed."""


def apply_clock(
    rows: Rows, file_name: str, symbol: Symbol, timeframe: Timeframe, declared: Declared
) -> Timed:
    """Put *rows* into UTC.

    Raises ``NotReadableError`` where the clock is not known or cannot be that of the rows.
    """
    doubt: ClockNeededError | None = None
    try:
        clock, found, said = _choose_clock(rows, file_name, symbol, timeframe, declared)
    except ClockNeededError as needed:
        clock, found, said, doubt = parse_clock(needed.clock), "", (), needed
    return replace(_convert(rows, clock, said, timeframe, declared), found=found, doubt=doubt)


def _convert(
    rows: Rows, clock: Clock, said: tuple[str, ...], timeframe: Timeframe, declared: Declared
) -> Timed:
    rows, warnings = _open_stamped(rows, timeframe, declared)
    warnings = (*warnings, *said)
    if clock == _UTC:
        return Timed(rows=replace(rows, is_wall=False), clock=clock, warnings=warnings)
    good = rows.time != 0
    wall = rows.time[good]
    utc = np.zeros_like(rows.time)
    utc[good] = clock.to_utc_ms(wall)
    skipped = np.zeros(len(rows.time), np.bool_)
    skipped[good] = clock.is_skipped(wall)
    shifted = replace(rows, time=utc, is_wall=False)
    if not skipped.any():
        return Timed(rows=shifted, clock=clock, warnings=warnings)
    count = int(np.count_nonzero(skipped))
    says = f"{count} bars stood in an hour that {clock.name} leaves out; they were kept."
    return Timed(
        rows=_join_split_bars(shifted, skipped, clock, timeframe),
        clock=clock,
        warnings=(*warnings, says.replace("1 bars", "1 bar") if count == 1 else says),
    )


_UTC = parse_clock("UTC")
_LATE_MINUTES = 10
"""A server that changes its clock later than this has another clock."""


def _open_stamped(
    rows: Rows, timeframe: Timeframe, declared: Declared
) -> tuple[Rows, tuple[str, ...]]:
    stamped_at = declared.stamped_at or rows.stamped_at
    good = rows.time != 0
    if stamped_at == "close":
        moved = np.where(good, rows.time - timeframe.milliseconds, 0)
        return replace(rows, time=moved, stamped_at="open"), ()
    if declared.stamped_at is None and find_stamping(rows.time[good], timeframe) == "close":
        says = (
            "The bars look stamped at their close (breaks end one bar after the hour) but were "
            "read as stamped at their open. Give --stamped-at close to convert them."
        )
        return rows, (says,)
    return rows, ()


def _is_dated(rows: Rows, timeframe: Timeframe) -> bool:
    # The stamp of a daily bar is the date on which it traded, in no clock at all.
    is_midnight = not np.any(rows.time % Timeframe.D1.milliseconds)
    return timeframe is Timeframe.D1 and rows.is_wall and is_midnight


def _choose_clock(
    rows: Rows, file_name: str, symbol: Symbol, timeframe: Timeframe, declared: Declared
) -> tuple[Clock, str, tuple[str, ...]]:
    # The clock, how it is known, and what has to be said of it.
    if declared.clock is not None:
        return _parse_declared(rows, declared.clock)
    if rows.clock is not None or not rows.is_wall:
        return parse_clock(rows.clock or "UTC"), "said by the file or its format", ()
    if _is_dated(rows, timeframe):
        return _UTC, "none is needed, for the bars have dates alone", ()
    if rows.mistakes or not len(rows.time):
        # Its mistakes are named first: evidence from half a file is none.
        return _UTC, "", ()
    proposal = propose_clock(_to_wall_bars(rows, symbol, timeframe), symbol, declared.reference)
    if not declared.accept_clock:
        name, evidence = proposal.clock.name, proposal.explain()
        raise ClockNeededError(file_name, name, proposal.confidence, evidence)
    found = f"proposed and accepted. {proposal.explain()}"
    if proposal.confidence == "sure":
        return proposal.clock, found, ()
    return proposal.clock, found, (f"The clock was not declared. {proposal.explain()}",)


def _parse_declared(rows: Rows, text: str) -> tuple[Clock, str, tuple[str, ...]]:
    try:
        clock = parse_clock(text)
    except ValueError as unknown:
        raise NotReadableError(str(unknown)) from unknown
    fixed = parse_clock(rows.clock) if rows.clock is not None else _UTC
    if clock == fixed or (rows.is_wall and rows.clock is None):
        return clock, "declared", ()
    # MetaTrader calls the wall time of its server UNIX time: the owner knows better.
    says = f"The file says {fixed.name}; its times were read as {clock.name} instead."
    return clock, "declared", (says,)


def _to_wall_bars(rows: Rows, symbol: Symbol, timeframe: Timeframe) -> Bars:
    prices = np.nan_to_num(rows.prices / symbol.tick, nan=1.0, posinf=1.0, neginf=1.0)
    opened, high, low, close = np.clip(np.rint(prices), 1, 2**53).astype(np.int64)
    return Bars(timeframe, symbol.tick, rows.time, opened, high, low, close, rows.volume)


def _join_split_bars(rows: Rows, skipped: Flags, clock: Clock, timeframe: Timeframe) -> Rows:
    # A server that changes its clock a moment late writes one bar as two: its first part in
    # the hour that does not exist, the rest in the hour after. Two whole hours are no such.
    order = np.argsort(rows.time, kind="stable")
    clashes = (np.diff(rows.time[order]) == 0) & skipped[order[:-1]]
    first, second = order[:-1][clashes], order[1:][clashes]
    days, counts = np.unique(rows.time[first] // Timeframe.D1.milliseconds, return_counts=True)
    many = days[(counts > 1) & (counts * timeframe.minutes > _LATE_MINUTES)]
    crowded = np.zeros(len(rows.time), np.bool_)
    crowded[first] = np.isin(rows.time[first] // Timeframe.D1.milliseconds, many)
    if crowded.any():
        says = f"{clock.name} leaves this hour out, but the file has bars in it and after it. "
        raise NotReadableError(*name_first(rows.lines, crowded, f"{says}Give another clock."))
    prices, volume = rows.prices.copy(), rows.volume.copy()
    prices[0, second] = prices[0, first]
    prices[1, second] = np.fmax(prices[1, first], prices[1, second])
    prices[2, second] = np.fmin(prices[2, first], prices[2, second])
    volume[second] = volume[first] + volume[second]
    kept = np.ones(len(rows.time), np.bool_)
    kept[first] = False
    return replace(rows, prices=prices, volume=volume).take(kept)
