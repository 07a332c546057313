from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setupdesk.core.timeframe import Timeframe
from setupdesk.detectors.sweep import ACCEPTED, RAID, Sign, Sweeps, Watch, find_sweeps
from setupdesk.market.bars import Bars

Candle = tuple[float, float, float, float]
Found = list[tuple[int, int, int, int, int]]

GOLDEN_2: list[Candle] = [
    (24000, 24045, 23995, 24040),
    (24040, 24072, 24035, 24066),
    (24066, 24080, 24050, 24052),
    (24052, 24054, 24020, 24025),
    (24025, 24030, 24000, 24005),
    (24005, 24010, 23975, 23985),
    (23985, 23990, 23960, 23970),
]
GOLDEN_3: list[Candle] = [
    (100, 101, 99, 100),
    (100, 103, 100, 102.5),
    (102.5, 104, 102.2, 103),
    (103, 103.5, 102.1, 102.4),
    (102.4, 102.6, 101, 101.5),
    (101.5, 102.9, 101, 101.2),
]


def draw(candles: Sequence[Candle], tick: float = 1.0) -> Bars:
    prices = np.rint(np.array(candles, float).reshape(-1, 4) / tick).astype(np.int64)
    stamps = np.arange(len(candles), dtype=np.int64) * 900_000
    opened, high, low, close = prices.T
    empty = np.full(len(candles), np.nan)
    return Bars(Timeframe.M15, tick, stamps, opened, high, low, close, empty)


def watch(bars: Bars, level: int, penetration: int = 1) -> Watch:
    return Watch(*(np.array([one]) for one in (0, len(bars), level, penetration)))


def rows_of(found: Sweeps) -> Found:
    columns = (found.session, found.started, found.known, found.extreme, found.kind)
    return [tuple(row) for row in np.stack(columns, axis=1).tolist()]


def test_golden_2_a_high_is_raided_and_reclaimed() -> None:
    bars = draw(GOLDEN_2)

    found = find_sweeps(bars, 1, watch(bars, 24060), 3)

    assert rows_of(found) == [(0, 1, 2, 24080, RAID)]


def test_golden_2_a_low_is_raided_within_one_bar() -> None:
    bars = draw(GOLDEN_2)

    found = find_sweeps(bars, -1, watch(bars, 23980), 3)

    assert rows_of(found)[0] == (0, 5, 5, 23975, RAID)


def test_golden_3_an_accepted_side_is_armed_again_by_a_close_inside() -> None:
    bars = draw(GOLDEN_3, tick=0.1)

    found = find_sweeps(bars, 1, watch(bars, 1020), 3)

    assert rows_of(found) == [(0, 1, 3, 1040, ACCEPTED), (0, 5, 5, 1029, RAID)]


@pytest.mark.parametrize(("high", "count"), [(100, 0), (101, 0), (102, 1)])
def test_a_break_is_strictly_more_than_the_penetration(high: int, count: int) -> None:
    bars = draw([(99, high, 98, 99)])

    found = find_sweeps(bars, 1, watch(bars, 100, penetration=1), 1)

    assert len(found.known) == count


def test_a_close_at_the_level_is_not_inside() -> None:
    bars = draw([(99, 105, 98, 100), (100, 101, 99, 99)])

    found = find_sweeps(bars, 1, watch(bars, 100), 3)

    assert rows_of(found) == [(0, 0, 1, 105, RAID)]


def test_a_sweep_that_the_session_ends_in_has_no_outcome() -> None:
    bars = draw([(99, 105, 98, 104), (104, 106, 103, 105)])

    found = find_sweeps(bars, 1, watch(bars, 100), 3)

    assert rows_of(found) == []


def test_each_session_starts_armed_and_with_its_own_level() -> None:
    bars = draw([(99, 105, 98, 104), (104, 106, 99, 99), (99, 103, 98, 99)])
    both = Watch(np.array([0, 2]), np.array([2, 3]), np.array([100, 101]), np.array([1, 1]))

    found = find_sweeps(bars, 1, both, 2)

    assert rows_of(found) == [(0, 0, 1, 106, RAID), (1, 2, 2, 103, RAID)]


def test_a_session_without_rows_has_no_sweeps() -> None:
    bars = draw(GOLDEN_2)
    nothing = Watch(*(np.array([one]) for one in (5, 3, 24060, 1)))

    found = find_sweeps(bars, 1, nothing, 3)

    assert rows_of(found) == []


def sweep_slowly(bars: Bars, sign: int, level: int, penetration: int, patience: int) -> Found:
    return list(_sweep_slowly(bars, sign, level, penetration, patience))


def _sweep_slowly(
    bars: Bars, sign: int, level: int, penetration: int, patience: int
) -> Iterator[tuple[int, int, int, int, int]]:
    state, started, extreme = "armed", -1, 0
    for row in range(len(bars)):
        high = int(bars.high[row]) if sign > 0 else -int(bars.low[row])
        inside = sign * int(bars.close[row]) < sign * level
        if state == "accepted":
            state = "armed" if inside else "accepted"
            continue
        if state == "armed" and high - sign * level > penetration:
            state, started, extreme = "swept", row, high
        if state == "swept":
            extreme = max(extreme, high)
            if inside:
                yield 0, started, row, sign * extreme, RAID
                state = "armed"
            elif row == started + patience - 1:
                yield 0, started, row, sign * extreme, ACCEPTED
                state = "accepted"


@st.composite
def random_bars(drawn: st.DrawFn) -> Bars:
    rows = drawn(
        st.lists(st.tuples(*[st.integers(-4, 4)] * 2, *[st.integers(0, 3)] * 2), max_size=40)
    )
    candles = [
        (100 + o, 100 + max(o, c) + up, 100 + min(o, c) - down, 100 + c) for o, c, up, down in rows
    ]
    return draw(candles)


@given(
    bars=random_bars(),
    sign=st.sampled_from([1, -1]),
    level=st.integers(97, 103),
    penetration=st.integers(0, 2),
    patience=st.integers(1, 5),
)
def test_the_scan_agrees_with_a_plain_state_machine(
    bars: Bars, sign: Sign, level: int, penetration: int, patience: int
) -> None:
    expected = sweep_slowly(bars, sign, level, penetration, patience)

    found = find_sweeps(bars, sign, watch(bars, level, penetration), patience)

    assert rows_of(found) == expected


@given(bars=random_bars(), patience=st.integers(1, 4), rows=st.integers(0, 40))
def test_what_is_known_does_not_depend_on_later_bars(bars: Bars, patience: int, rows: int) -> None:
    whole = rows_of(find_sweeps(bars, 1, watch(bars, 101), patience))
    part = bars[:rows]

    found = rows_of(find_sweeps(part, 1, watch(part, 101), patience))

    assert found == [one for one in whole if one[2] < rows]
