"""Clocks of files: wall times become UTC, with a clock that is declared, fixed or proposed."""

from dataclasses import dataclass, replace

import numpy as np

from setupdesk.adapters.importers.rows import Flags, NotReadableError, Rows, name_first
from setupdesk.core.errors import ClockNeededError, ClockUnsureError, StampingNeededError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.clock import Clock, parse_clock
from setupdesk.market.clock_evidence import Proposal, propose_clock
from setupdesk.market.stamping import (
    Stamped,
    Stamping,
    find_stamping,
    find_stamping_by_breaks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the owner of a file says of its times."""

    clock: str | None = None
    accept_clock: bool = False
    stamped_at: Stamped | None = None
    reference: Bars | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Rows in UTC, and the clock that they had."""

    rows: Rows
    clock: Clock
    found: str = ""
    """How the clock is known, in words."""

    warnings: tuple[str, ...] = ()
    proposal: Proposal | None = None
    """What was proposed for a clock that nobody said."""


def apply_clock(rows: Rows, symbol: Symbol, timeframe: Timeframe, declared: Declared) -> Timed:
    """Put *rows* into UTC, with the clock that is proposed where nobody said another.

    Raises ``NotReadableError`` where the clock cannot be that of the rows.
    """
    chosen = _choose_clock(rows, symbol, timeframe, declared)
    rows, warnings = _convert(rows, chosen.clock, timeframe)
    return replace(chosen, rows=rows, warnings=(*chosen.warnings, *warnings))


def settle(
    timed: Timed, bars: Bars, file_name: str, symbol: Symbol, declared: Declared
) -> tuple[Bars, str]:
    """Stamp *bars* at their open, and give them with how their clock is known.

    Call it once all else is right. Raises ``ClockNeededError`` for a clock that was proposed
    and ``StampingNeededError`` for stamps that look like those of the close, unless these are
    declared or accepted, and ``ClockUnsureError`` for a clock that has to be declared.
    """
    # Only what nobody said has evidence.
    said_at = declared.stamped_at or ("open" if timed.rows.is_own else None)
    stamping = Stamping(said_at) if said_at else find_stamping(bars, symbol)
    at_close = stamping.at == "close"
    if timed.proposal is not None:
        evidence = " ".join(filter(None, (timed.proposal.explain(), stamping.evidence)))
        if timed.proposal.confidence == "unsure":
            raise ClockUnsureError(file_name, timed.proposal.rivals, evidence)
        if not declared.accept_clock:
            name, sure = timed.clock.name, timed.proposal.confidence
            raise ClockNeededError(file_name, name, sure, evidence, at_close=at_close)
    if stamping.evidence and not declared.accept_clock:
        raise StampingNeededError(file_name, stamping.evidence)
    if not at_close:
        return bars, timed.found
    said = f" {stamping.evidence}" if stamping.evidence else ""
    moved = replace(bars, time=bars.time - bars.timeframe.milliseconds)
    return moved, f"{timed.found.rstrip('.')}. Stamped at close, converted to the open.{said}"


def _convert(rows: Rows, clock: Clock, timeframe: Timeframe) -> tuple[Rows, tuple[str, ...]]:
    if clock == _UTC:
        return replace(rows, is_wall=False), ()
    good = rows.time != 0
    wall = rows.time[good]
    utc = np.zeros_like(rows.time)
    utc[good] = clock.to_utc_ms(wall)
    skipped = np.zeros(len(rows.time), np.bool_)
    skipped[good] = clock.is_skipped(wall)
    shifted = replace(rows, time=utc, is_wall=False)
    if not skipped.any():
        return shifted, ()
    count = int(np.count_nonzero(skipped))
    bars = "1 bar" if count == 1 else f"{count} bars"
    says = f"{bars} stood in an hour that {clock.name} leaves out; they were kept."
    return _join_split_bars(shifted, skipped, clock, timeframe), (says,)


_UTC = parse_clock("UTC")
_LATE_MINUTES = 10
"""A server that changes its clock later than this has another clock."""


def _is_dated(rows: Rows, timeframe: Timeframe) -> bool:
    # The stamp of a daily bar is the date on which it traded, in no clock at all.
    is_midnight = not np.any(rows.time % Timeframe.D1.milliseconds)
    return timeframe is Timeframe.D1 and rows.is_wall and is_midnight


def _choose_clock(rows: Rows, symbol: Symbol, timeframe: Timeframe, declared: Declared) -> Timed:
    if declared.clock is not None:
        return _parse_declared(rows, declared.clock)
    if rows.clock is not None or not rows.is_wall:
        clock = parse_clock(rows.clock or "UTC")
        return Timed(rows=rows, clock=clock, found="said by the file or its format")
    if _is_dated(rows, timeframe):
        found = "none is needed: the bars have dates alone, and each opens at 00:00 UTC of its date"
        return Timed(rows=rows, clock=_UTC, found=found)
    if rows.mistakes or not len(rows.time):
        # Its mistakes are named first: evidence from half a file is none.
        return Timed(rows=rows, clock=_UTC)
    wall = _to_wall_bars(rows, symbol, timeframe, declared)
    proposal = propose_clock(wall, symbol, declared.reference)
    says = proposal.explain()
    doubt = f"The clock was not declared. {says}"
    return Timed(
        rows=rows,
        clock=proposal.clock,
        found=f"proposed and accepted. {says}",
        warnings=() if proposal.confidence == "sure" else (doubt,),
        proposal=proposal,
    )


def _parse_declared(rows: Rows, text: str) -> Timed:
    try:
        clock = parse_clock(text)
    except ValueError as unknown:
        raise NotReadableError(str(unknown)) from unknown
    fixed = parse_clock(rows.clock) if rows.clock is not None else _UTC
    if clock == fixed or (rows.is_wall and rows.clock is None):
        return Timed(rows=rows, clock=clock, found="declared")
    # MetaTrader calls the wall time of its server UNIX time: the owner knows better.
    says = f"The file says {fixed.name}; its times were read as {clock.name} instead."
    return Timed(rows=rows, clock=clock, found="declared", warnings=(says,))


def _to_wall_bars(rows: Rows, symbol: Symbol, timeframe: Timeframe, declared: Declared) -> Bars:
    # Stamped at their open, as far as their breaks tell before their clock is known.
    by_breaks = find_stamping_by_breaks(np.sort(rows.time), timeframe, symbol).at
    at_close = (declared.stamped_at or by_breaks) == "close"
    wall = rows.time - timeframe.milliseconds if at_close else rows.time
    prices = np.nan_to_num(rows.prices / symbol.tick, nan=1.0, posinf=1.0, neginf=1.0)
    opened, high, low, close = np.clip(np.rint(prices), 1, 2**53).astype(np.int64)
    return Bars(timeframe, symbol.tick, wall, opened, high, low, close, rows.volume)


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
