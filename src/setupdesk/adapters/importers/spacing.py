"""Spacing: whether the bars of a file are as far apart as their timeframe says."""

from datetime import UTC, datetime

import numpy as np

from setupdesk.adapters.importers.rows import Rows, name_first
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Ints

_MINUTE_MS = 60_000
_SIZES = (1, 5, 15, 30, 60, 240, 1440, 10_080)
"""Bar sizes in minutes that files come in."""

_RUN = 10
"""So many gaps in a row, each as long as a bar of a coarser size, are bars of that size."""


def check_spacing(rows: Rows, timeframe: Timeframe) -> list[str]:
    """Find bars off the grid, of another timeframe, or of several sizes in one file."""
    gaps = np.diff(rows.time)
    usual = _find_usual(gaps, timeframe)
    return [
        *_check_grid(rows, min(usual, timeframe.milliseconds)),
        *_check_usual(usual, timeframe),
        *_check_mixture(rows, gaps, usual),
        *_check_overlap(rows, gaps, usual, timeframe),
    ]


def show_time(stamp_ms: int) -> str:
    """Write an instant as the file's owner would look for it."""
    return f"{datetime.fromtimestamp(stamp_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _check_grid(rows: Rows, bar_ms: int) -> list[str]:
    # H4 and D1 begin at different hours with every broker, though always on a full hour.
    wrong = rows.time % min(bar_ms, Timeframe.H1.milliseconds) != 0
    if not wrong.any():
        return []
    moment = show_time(int(rows.time[np.argmax(wrong)]))
    says = f"no bar of {_show_gap(bar_ms)} opens at {moment}. Remove the line."
    return name_first(rows.lines, wrong, says)


def _check_usual(usual: int, timeframe: Timeframe) -> list[str]:
    if usual == timeframe.milliseconds:
        return []
    return [
        (
            f"Its bars are {_show_gap(usual)} apart, those of {timeframe} are "
            f"{_show_gap(timeframe.milliseconds)}. {_advise(usual)}"
        )
    ]


def _advise(usual: int) -> str:
    known = next((size for size in Timeframe if size.milliseconds == usual), None)
    if known:
        return f"Import it as {known}."
    return (
        f"The desk has no timeframe of {_show_gap(usual)}, only {', '.join(Timeframe)}. Import "
        f"bars of one of them; coarser ones are made from finer ones."
    )


def _check_mixture(rows: Rows, gaps: Ints, usual: int) -> list[str]:
    coarser = next((size for size in _SIZES if size * _MINUTE_MS > usual), None)
    if coarser is None:
        return []
    long = gaps >= coarser * _MINUTE_MS
    starts = np.flatnonzero(long & ~np.append(False, long[:-1]))
    stops = np.flatnonzero(long & ~np.append(long[1:], False)) + 1
    for start, stop in zip(starts, stops, strict=True):
        if stop - start >= _RUN:
            size = _show_gap(_most_frequent(gaps[start:stop]))
            return [
                (
                    f"Line {rows.lines[start]}: from {show_time(int(rows.time[start]))} on "
                    f"{stop - start} bars are {size} apart, while most are {_show_gap(usual)}. "
                    f"Import each bar size from a file of its own."
                )
            ]
    return []


def _check_overlap(rows: Rows, gaps: Ints, usual: int, timeframe: Timeframe) -> list[str]:
    # A day of 23 hours may shorten a D1 bar and the last H4 bar of a 24x7 market by one.
    slack = Timeframe.H1.milliseconds if timeframe.minutes > Timeframe.H1.minutes else 0
    short = np.append(False, gaps < timeframe.milliseconds - slack)
    if not short.any() or usual < timeframe.milliseconds:
        return []
    row = int(np.argmax(short))
    says = (
        f"the bar opens only {_show_gap(int(gaps[row - 1]))} after the one before it, at "
        f"{show_time(int(rows.time[row]))}. Remove one of them."
    )
    return name_first(rows.lines, short, says)


def _find_usual(gaps: Ints, timeframe: Timeframe) -> int:
    # What more than half of them are needs no counting of the others.
    if 2 * np.count_nonzero(gaps == timeframe.milliseconds) > len(gaps) or not len(gaps):
        return timeframe.milliseconds
    return _most_frequent(gaps)


def _most_frequent(gaps: Ints) -> int:
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[np.argmax(counts)])


def _show_gap(gap_ms: int) -> str:
    minutes, rest = divmod(gap_ms, _MINUTE_MS)
    return f"{gap_ms / 1000:g} s" if rest or not minutes else f"{minutes} min"
