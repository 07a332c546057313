"""Checks: rows of any format become bars, or a list of everything that is wrong with them."""

from collections.abc import Mapping

import numpy as np

from setupdesk.adapters.importers.rows import Flags, NotReadableError, Rows, name_first
from setupdesk.adapters.importers.spacing import check_spacing, show_time
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars, Floats, Ints
from setupdesk.market.scale import find_scale_steps

_FLAT_MS = 2 * 3_600_000
_FLAT_BARS = 8
"""A price that stands still for so long was not traded; real gold once did for five H1 bars."""


def check_rows(rows: Rows, symbol: Symbol, timeframe: Timeframe) -> tuple[Bars, Mapping[str, int]]:
    """Give the bars and what was mended, or raise ``NotReadableError`` with all mistakes."""
    if not len(rows.time):
        raise NotReadableError("It has no rows.")
    in_order = _put_in_order(rows)
    doubled = np.append(False, np.diff(in_order.time) == 0)[: len(in_order.time)]
    unique = in_order.take(~doubled) if doubled.any() else in_order
    mistakes = [
        *rows.mistakes,
        *_check_prices(rows, symbol),
        *_check_doubled(in_order, doubled),
        *check_spacing(unique, timeframe),
        *([] if rows.is_own else _check_flat(unique, timeframe)),
        *_check_scale(unique, symbol, timeframe),
    ]
    if mistakes:
        raise NotReadableError(*mistakes)
    quality = {
        "rows": len(rows.time),
        "unsorted": int(np.count_nonzero(np.diff(rows.time) < 0)),
        "duplicates": int(np.count_nonzero(doubled)),
    }
    # Neither forbids the import: brokers do quote between ticks.
    counted = [_count_ticks(price, symbol.tick) for price in unique.prices]
    quality["off_tick"] = sum(off_tick for _, off_tick in counted)
    quality["flat"] = int(np.count_nonzero(_is_flat(unique)))
    # Programs write 0 for "none": a real source has volume in some bar.
    volume = unique.volume if np.any(unique.volume > 0) else np.full(len(unique.volume), np.nan)
    opened, high, low, close = (ticks for ticks, _ in counted)
    return Bars(timeframe, symbol.tick, unique.time, opened, high, low, close, volume), quality


def _count_ticks(price: Floats, tick: float) -> tuple[Ints, int]:
    # One column at a time, and in place: it is three times as fast.
    rest = price / tick
    ticks = np.rint(rest)
    rest -= ticks
    return ticks.astype(np.int64), int(np.count_nonzero(np.abs(rest, out=rest) > 1e-3))


def _put_in_order(rows: Rows) -> Rows:
    # Most files are in order already, and copies of large ones cost more than this look.
    if rows.time[0] > 0 and bool(np.all(rows.time[1:] >= rows.time[:-1])):
        return rows
    in_order = rows.take(np.argsort(rows.time, kind="stable"))
    return in_order.take(in_order.time != 0)


def _is_flat(rows: Rows) -> Flags:
    return np.asarray(rows.prices[1] == rows.prices[2])


def _check_prices(rows: Rows, symbol: Symbol) -> list[str]:
    opened, high, low, close = prices = rows.prices
    low_limit, high_limit = symbol.price_range
    crossed = (high < np.fmax(opened, close)) | (low > np.fmin(opened, close)) | (high < low)
    if low_limit <= prices.min() and prices.max() <= high_limit and not crossed.any():
        return []
    missing = np.isnan(prices)
    negative = prices <= 0
    strange = ~missing & ~negative & ((prices < low_limit) | (prices > high_limit))
    scale = f"{low_limit:,g} to {high_limit:,g}"
    return [
        *name_first(rows.lines, _in_any(missing), "a price is not a number. Mend the line."),
        *name_first(rows.lines, _in_any(negative), "a price is not above 0. Mend the line."),
        *name_first(
            rows.lines,
            _in_any(strange),
            f"{_first_price(prices, strange):,.10g} is not a price of {symbol.name}, which is "
            f"{scale}. Choose the right symbol, or divide the prices by their scale.",
        ),
        *name_first(
            rows.lines,
            crossed,
            "open or close is outside low to high. Are the columns named rightly? Mend the line.",
        ),
    ]


def _in_any(wrong: Flags) -> Flags:
    return np.asarray(wrong.any(axis=0))


def _first_price(prices: Floats, wrong: Flags) -> float:
    return float(prices.T[wrong.T][0]) if wrong.any() else 0.0


def _check_doubled(in_order: Rows, doubled: Flags) -> list[str]:
    if not doubled.any():
        return []
    same_prices = np.all(in_order.prices == np.roll(in_order.prices, 1, axis=1), axis=0)
    disagree = doubled & ~same_prices
    if not disagree.any():
        return []
    moment = show_time(in_order.time[np.argmax(disagree)])
    says = f"the bar of {moment} stands twice with different prices. Keep one of them."
    return name_first(in_order.lines, disagree, says)


def _check_scale(rows: Rows, symbol: Symbol, timeframe: Timeframe) -> list[str]:
    close = rows.prices[3]
    if not (close > 0).all():
        return []
    steps = find_scale_steps(rows.time, close, timeframe, symbol.week)
    if not steps.any():
        return []
    row = int(np.argmax(steps))
    says = (
        f"the close goes from {close[row - 1]:,.10g} to {close[row]:,.10g} at "
        f"{show_time(rows.time[row])}, from one bar to the next: a wrong price, or a part of the "
        f"file in another scale. Give all prices one scale, or mend the line."
    )
    return name_first(rows.lines, steps, says)


def _check_flat(rows: Rows, timeframe: Timeframe) -> list[str]:
    # A run of bars at one single price, next to one another.
    longest = max(_FLAT_BARS, _FLAT_MS // timeframe.milliseconds)
    flat = _is_flat(rows) & (rows.prices[0] == rows.prices[3])
    if np.count_nonzero(flat) < longest:
        return []
    begins = np.append(
        True,
        ~flat[:-1]
        | ~flat[1:]
        | (np.diff(rows.prices[0]) != 0)
        | (np.diff(rows.time) != timeframe.milliseconds),
    )[: len(flat)]
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, len(flat)))
    too_long = np.zeros(len(flat), np.bool_)
    too_long[starts[lengths >= longest]] = True
    if not too_long.any():
        return []
    count = int(lengths[lengths >= longest][0])
    moment = show_time(rows.time[np.argmax(too_long)])
    says = (
        f"the price stands still for {count} bars from {moment}: the market was closed or the "
        f"source was not working. Remove these bars."
    )
    return name_first(rows.lines, too_long, says)
