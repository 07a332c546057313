"""Clocks that jump while several processes accept: numbers go on, and no day comes back."""

import random
from pathlib import Path

import pytest

from tests.faults.drills import jump_clock


def test_clocks_that_jump_at_midnight_leave_no_gap_and_no_double(tmp_path: Path) -> None:
    seed = random.randrange(10**6)

    assert jump_clock(tmp_path, None, seed) == [], f"seed {seed}"


@pytest.mark.faults
def test_clocks_that_jump_under_load_leave_no_gap_and_no_double(tmp_path: Path) -> None:
    for seed in range(20):
        assert jump_clock(tmp_path / str(seed), None, seed, size=1000) == [], f"seed {seed}"
