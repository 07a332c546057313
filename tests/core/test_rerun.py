from typing import Any

import pytest

from setupdesk.core.rerun import build_rerun

ASKED: dict[str, Any] = {
    "setup_id": "IB_raid_v1",
    "start": "2025-05-01",
    "end": "2025-05-30",
    "options": {"max_trades": None, "rr_target": 2.0, "dry_run": False},
    "extra": {"min_rr": 1.0},
}


@pytest.mark.parametrize(
    ("changes", "different"),
    [
        ({}, {}),
        ({"end": "2025-05-20", "junk": 1}, {"end": "2025-05-20", "junk": 1}),
        ({"options": {"rr_target": 3}}, {"options": {"rr_target": 3, "dry_run": False}}),
        ({"options": {"rr_target": None}}, {"options": {"dry_run": False}}),
        ({"extra": {"sweep": 2}}, {"extra": {"min_rr": 1.0, "sweep": 2}}),
        ({"extra": {"min_rr": None}}, {"extra": {}}),
        ({"extra": 5}, {"extra": 5}),
        ({"extra": None}, {"extra": None}),
    ],
)
def test_what_is_named_is_different_and_nothing_else(
    changes: dict[str, Any], different: dict[str, Any]
) -> None:
    assert build_rerun(ASKED, changes) == ASKED | different


@pytest.mark.parametrize("changes", [{"last": "6m"}, {"mode": "live"}])
def test_the_old_period_goes_where_it_would_contradict(changes: dict[str, str]) -> None:
    rerun = build_rerun(ASKED, changes)

    assert rerun == {key: ASKED[key] for key in ("setup_id", "options", "extra")} | changes


def test_of_a_watch_only_the_period_is_asked_again() -> None:
    asked = {**ASKED, "mode": "backtest", "watch": "watch_1", "last": None}

    assert build_rerun(asked, {"end": "2025-05-20", "options": {"rr_target": 3}}) == {
        "mode": "backtest",
        "watch": "watch_1",
        "start": "2025-05-01",
        "end": "2025-05-20",
        "last": None,
        "options": {"rr_target": 3},
    }
