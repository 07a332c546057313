import pytest

from setupdesk.core.proportion import find_wilson_interval


def test_the_interval_is_the_one_of_the_golden_example() -> None:
    low, high = find_wilson_interval(4, 10) or (0.0, 0.0)

    assert low == pytest.approx(0.16818, abs=1e-5)
    assert high == pytest.approx(0.687326, abs=1e-5)


def test_nothing_out_of_nothing_has_no_interval() -> None:
    assert find_wilson_interval(0, 0) is None


def test_an_interval_never_leaves_zero_to_one() -> None:
    assert (find_wilson_interval(0, 5) or (1.0,))[0] == pytest.approx(0)
    assert (find_wilson_interval(5, 5) or (0.0, 0.0))[1] == pytest.approx(1)
