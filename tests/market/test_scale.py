import numpy as np
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.scale import find_scale_steps


@pytest.mark.parametrize(
    ("close", "steps"),
    [
        ([100.0, 101.0, 102.0, 101.0], []),
        ([100.0, 101.0, 10.1, 10.2], [2]),
        ([100.0, 100.0, 1e-320, 1e308], [2, 3]),
        ([100.0, 0.0, 100.0, 100.0], [1, 2]),
    ],
)
def test_a_step_to_another_scale_is_found_whatever_the_prices_are(
    close: list[float], steps: list[int]
) -> None:
    times = np.arange(len(close), dtype=np.int64) * 60_000

    found = find_scale_steps(times, np.array(close), Timeframe.M1, "24x5")

    assert np.flatnonzero(found).tolist() == steps
