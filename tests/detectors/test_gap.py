import numpy as np
import pytest

from setupdesk.detectors.gap import SessionGaps, find_session_gaps
from setupdesk.market.bars import Bars
from tests.detectors.markets import Candle, draw, spans_of, walk

Found = list[tuple[int, ...]]

YESTERDAY: Candle = (10, 11, 9, 10)
BOTH = (np.array([0, 1]), np.array([1, 4]))


def rows_of(found: SessionGaps) -> Found:
    columns = (found.known, found.size, found.open, found.close, found.fill)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_gap_is_the_open_less_the_previous_close() -> None:
    bars = draw([YESTERDAY, (12, 13, 11, 12), (12, 12, 11, 11), (11, 11, 10, 11)])

    found = find_session_gaps(bars, *BOTH)

    assert rows_of(found) == [(4, 0, 0, 0, 4), (1, 20, 120, 100, 3)]


@pytest.mark.parametrize("seed", range(20))
def test_the_search_agrees_with_the_definition(seed: int) -> None:
    bars = walk(seed, rows=3_000)

    found = find_session_gaps(bars, *spans_of(bars))

    assert (found.fill < len(bars)).sum() > 2
    assert rows_of(found) == find_slowly(bars)


def find_slowly(bars: Bars) -> Found:
    found: Found = []
    close = None
    for first, stop in zip(*(one.tolist() for one in spans_of(bars)), strict=True):
        if first == stop or close is None:
            found.append((len(bars), 0, 0, 0, len(bars)))
        else:
            opened = int(bars.open[first])
            touched = [
                row
                for row in range(first, stop)
                if (opened >= close and bars.low[row] <= close)
                or (opened <= close and bars.high[row] >= close)
            ]
            fill = min(touched, default=len(bars))
            found.append((first, opened - close, opened, close, fill))
        if first < stop:
            close = int(bars.close[stop - 1])
    return found


def test_a_bar_that_jumps_over_the_close_fills_the_gap() -> None:
    bars = draw([YESTERDAY, (12, 13, 11, 12), (8, 8, 7, 8), (8, 8, 7, 8)])

    found = find_session_gaps(bars, *BOTH)

    assert found.fill[1] == 2


def test_an_open_at_the_close_is_a_gap_of_nothing_filled_at_once() -> None:
    bars = draw([YESTERDAY, (10, 13, 10, 12), (12, 13, 11, 12), (12, 13, 11, 12)])

    found = find_session_gaps(bars, *BOTH)

    assert rows_of(found)[1] == (1, 0, 100, 100, 1)


def test_a_gap_is_filled_within_its_session_or_not_at_all() -> None:
    bars = draw([YESTERDAY, (12, 13, 11, 12), (12, 12, 9, 9), (9, 9, 9, 9)])

    found = find_session_gaps(bars, np.array([0, 1]), np.array([1, 2]))

    assert found.fill[1] == len(bars)


def test_a_session_that_has_not_begun_has_no_gap() -> None:
    bars = draw([YESTERDAY])

    found = find_session_gaps(bars, np.array([0, 1]), np.array([1, 1]))

    assert rows_of(found) == [(1, 0, 0, 0, 1)] * 2


def test_without_sessions_there_are_no_gaps() -> None:
    none = np.empty(0, np.int64)

    found = find_session_gaps(draw([]), none, none)

    assert rows_of(found) == []
