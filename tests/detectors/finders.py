"""All detectors under one signature, for what is true of each of them."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from setupdesk.detectors.atr import find_atr
from setupdesk.detectors.day_pattern import find_day_patterns
from setupdesk.detectors.displacement import find_displacements
from setupdesk.detectors.equal_levels import Pools, find_pools
from setupdesk.detectors.fvg import find_fair_value_gaps
from setupdesk.detectors.gap import find_session_gaps
from setupdesk.detectors.order_block import OrderBlocks, find_order_blocks
from setupdesk.detectors.previous_day import PreviousDays, find_previous_days, find_previous_weeks
from setupdesk.detectors.session_range import Ranges, find_ranges
from setupdesk.detectors.structure import Breaks, find_breaks, find_shifts
from setupdesk.detectors.sweep import Sweeps, Watch, find_sweeps
from setupdesk.detectors.swing import find_swings
from setupdesk.detectors.vwap import find_vwap
from setupdesk.market.bars import Bars
from setupdesk.market.sessions import column
from tests.detectors.causality import columns_of
from tests.detectors.markets import sessions_of, spans_of, walk


@dataclass(frozen=True, slots=True)
class Finder:
    find: Callable[[Bars], Any]
    later: tuple[str, ...] = ()


def _ranges(bars: Bars) -> Ranges:
    sessions = sessions_of(bars)
    starts = column([one.opens_ms for one in sessions])
    return find_ranges(bars, starts, starts + 3_600_000)


def _sweeps(bars: Bars) -> Sweeps:
    first, stop = spans_of(bars)
    previous = find_previous_days(bars, first, stop)
    stop = np.where(previous.known < len(bars), stop, first)
    return find_sweeps(bars, 1, Watch(first, stop, previous.high, np.ones_like(first)), 3)


def _days(bars: Bars) -> PreviousDays:
    return _seen(find_previous_days(bars, *spans_of(bars)), bars)


def _weeks(bars: Bars) -> PreviousDays:
    days = [one.day for one in sessions_of(bars)]
    return _seen(find_previous_weeks(bars, *spans_of(bars), days), bars)


def _seen(previous: PreviousDays, bars: Bars) -> PreviousDays:
    # The clock says that a day has begun; bars alone say it one row later.
    return replace(previous, known=np.minimum(previous.known + 1, len(bars)))


def _pools(bars: Bars) -> Pools:
    return find_pools(bars, find_swings(bars, 2, 2), 0.5 * find_atr(bars, 5))


def _breaks(bars: Bars) -> Breaks:
    return find_breaks(bars, find_swings(bars, 2, 2))


def _shifts(bars: Bars) -> Breaks:
    return find_shifts(_breaks(bars), find_displacements(bars, find_atr(bars, 5), 0.5, 0.3))


def _order_blocks(bars: Bars) -> OrderBlocks:
    return find_order_blocks(bars, _breaks(bars))


FINDERS = {
    "atr": Finder(lambda bars: find_atr(bars, 5)),
    "session_range": Finder(_ranges),
    "sweep": Finder(_sweeps),
    "previous_day": Finder(_days),
    "previous_week": Finder(_weeks),
    "vwap": Finder(lambda bars: find_vwap(bars, *spans_of(bars))),
    "swing": Finder(lambda bars: find_swings(bars, 3, 2)),
    "equal_levels": Finder(_pools, later=("swept",)),
    "fvg": Finder(find_fair_value_gaps, later=("touch", "ce", "fill", "invert")),
    "displacement": Finder(lambda bars: find_displacements(bars, find_atr(bars, 5), 1.0, 0.5)),
    "structure": Finder(_breaks),
    "structure by wicks": Finder(lambda bars: find_breaks(bars, find_swings(bars, 1, 1), "wick")),
    "shift": Finder(_shifts),
    "order_block": Finder(_order_blocks),
    "gap": Finder(lambda bars: find_session_gaps(bars, *spans_of(bars)), later=("fill",)),
    "day_pattern": Finder(lambda bars: find_day_patterns(bars.high, bars.low)),
}


def digest(found: object) -> str:
    """Give the sha256 of all that a detector found, byte for byte."""
    columns = columns_of(found)
    content = b"".join(np.ascontiguousarray(one).tobytes() for one in columns.values())
    return hashlib.sha256(content).hexdigest()


def digests() -> dict[str, str]:
    """Give the digest of each detector on one random market."""
    bars = walk(seed=11, rows=3_000)
    return {name: digest(finder.find(bars)) for name, finder in FINDERS.items()}
