from typing import Any

import pytest

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.mute import parse_mute
from setupdesk.core.watch import Look

WATCHED = (Look("IB_raid_v1", "GER40"), Look("IB_raid_v1", "US500"), Look("ORB_v1", "GER40"))


@pytest.mark.parametrize(
    ("said", "symbols"),
    [
        ({"setup_id": "IB_raid_v1"}, ("GER40", "US500")),
        ({"setup_id": "IB_raid_v1", "symbol": None}, ("GER40", "US500")),
        ({"setup_id": "IB_raid_v1", "symbol": "US500"}, ("US500",)),
    ],
)
def test_the_day_of_each_symbol_that_is_watched_counts_unless_one_is_said(
    said: dict[str, Any], symbols: tuple[str, ...]
) -> None:
    assert parse_mute(said, (*WATCHED, WATCHED[0])) == ("IB_raid_v1", symbols)


@pytest.mark.parametrize(
    ("said", "field", "suggestion"),
    [
        ({"setup_id": "IB_rade_v1"}, "setup_id", "IB_raid_v1"),
        ({"setup_id": ["IB_raid_v1"]}, "setup_id", "IB_raid_v1"),
        ({}, "setup_id", None),
        ({"setup_id": "IB_raid_v1", "symbol": "GER4O"}, "symbol", "GER40"),
        ({"setup_id": "ORB_v1", "symbol": "US500"}, "symbol", None),
        ({"setup_id": "IB_raid_v1", "day": 1}, "day", None),
    ],
)
def test_what_nobody_watches_cannot_be_muted(
    said: dict[str, Any], field: str, suggestion: str | None
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse_mute(said, WATCHED)

    [problem] = refused.value.problems
    assert (problem.field, problem.suggestion) == (field, suggestion)
