from datetime import date

import pytest

from setupdesk.core.period import days_before, find_date


@pytest.mark.parametrize(
    ("end", "span", "start"),
    [
        (date(2025, 10, 31), "6m", date(2025, 5, 1)),
        (date(2025, 10, 31), "1y", date(2024, 11, 1)),
        (date(2025, 3, 30), "1m", date(2025, 2, 28)),
        (date(2024, 3, 30), "1m", date(2024, 2, 29)),
        (date(2025, 10, 31), "1d", date(2025, 10, 31)),
        (date(2025, 10, 31), "2w", date(2025, 10, 18)),
        (date(2025, 10, 31), "YTD", date(2025, 1, 1)),
        (date(2025, 10, 31), "9999y", None),
        (date(2025, 10, 31), "0m", None),
        (date(2025, 10, 31), "six months", None),
    ],
)
def test_a_span_up_to_a_day_begins_where_a_trader_would_say(
    end: date, span: str, start: date | None
) -> None:
    assert days_before(end, span) == start


@pytest.mark.parametrize("text", ["2025-13-01", "01.05.2025", "", 20250501, None])
def test_what_is_not_a_date_is_not_guessed_at(text: object) -> None:
    assert find_date(text) is None
