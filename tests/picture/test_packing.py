"""Bars come to the chart with the very prices that the desk has."""

import base64
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setupdesk.picture.packing import count_decimals, pack_bars, to_ticks


@pytest.mark.parametrize(
    ("tick", "decimals", "step"),
    [(0.1, 1, 1), (0.25, 2, 25), (0.01, 2, 1), (0.00001, 5, 1), (1.0, 0, 1), (0.5, 1, 5)],
)
def test_a_tick_is_told_as_whole_steps_of_its_last_digit(
    tick: float, decimals: int, step: int
) -> None:
    packed = pack_bars({"time": [], "open": [], "high": [], "low": [], "close": []}, tick)

    assert (packed["decimals"], packed["step"], packed["count"]) == (decimals, step, 0)


@given(
    st.lists(st.integers(0, 10_000_000), min_size=1, max_size=20),
    st.sampled_from([0.1, 0.25, 0.01, 0.00001, 0.5]),
)
def test_prices_are_unpacked_as_they_were_written(ticks: list[int], tick: float) -> None:
    prices = [round(one * tick, count_decimals(tick)) for one in ticks]
    times = [60_000 * place for place in range(len(ticks))]
    columns: dict[str, Any] = {
        "time": times,
        **dict.fromkeys(("open", "high", "low", "close"), prices),
    }

    packed = pack_bars(columns, tick)

    unpacked = np.frombuffer(base64.b64decode(packed["columns"]), "<i4").reshape(5, -1)
    assert (unpacked[0] * 60_000).tolist() == times
    for column in unpacked[1:].tolist():
        # As the chart does it: whole numbers over a power of ten.
        assert [one * packed["step"] / 10 ** packed["decimals"] for one in column] == prices


def test_a_price_beside_the_grid_of_ticks_is_drawn_at_the_nearest_one() -> None:
    assert to_ticks([22_000.04, 22_000.06], 0.1).tolist() == [220_000, 220_001]
