from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setupdesk.market.bars import Ints
from setupdesk.market.clock import parse_clock

HOUR = 3_600_000
NAMES = (
    "UTC",
    "NY+7",
    "+05:30",
    "-05:00",
    "Europe/Athens",
    "Europe/London",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Tokyo",
)
# Weeks in which a clock of NAMES is changed: in spring and in autumn, and the weeks between
# the American and the European date.
SUNDAYS = ("2025-03-09", "2025-03-30", "2025-04-06", "2025-10-05", "2025-10-26", "2025-11-02")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def grid(first: str, last: str, minutes: int) -> Ints:
    return np.arange(ms(first), ms(last), minutes * 60_000, dtype=np.int64)


def texts(times: Ints) -> list[str]:
    return [f"{datetime.fromtimestamp(t / 1000, UTC):%m-%d %H:%M}" for t in times.tolist()]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("utc", "UTC"),
        ("Etc/UTC", "UTC"),
        ("UTC+0", "UTC"),
        ("+02:00", "+02:00"),
        ("UTC+2", "+02:00"),
        ("gmt-5", "-05:00"),
        ("+0530", "+05:30"),
        ("ny+7", "NY+7"),
        ("New York + 7 h", "NY+7"),
        ("europe/athens", "Europe/Athens"),
        ("EET", "EET"),
    ],
)
def test_a_clock_has_one_name_however_it_is_written(text: str, name: str) -> None:
    clock = parse_clock(text)

    assert clock.name == name
    assert parse_clock(clock.name) == clock


@pytest.mark.parametrize("text", ["", "Mars/Base", "+25:00", "NY+8", "../etc/passwd", "Europe"])
def test_a_clock_that_is_not_known_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not known\..*an IANA zone such as Europe/Athens"):
        parse_clock(text)


def test_a_zone_that_is_nearly_right_is_named() -> None:
    with pytest.raises(ValueError, match="Did you mean 'Europe/Athens'"):
        parse_clock("Europe/Athen")


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2025-01-15 12:00", "2025-01-15 10:00"),
        ("2025-03-07 23:45", "2025-03-07 21:45"),
        ("2025-03-10 00:00", "2025-03-09 21:00"),
        ("2025-03-28 23:45", "2025-03-28 20:45"),
        ("2025-10-31 23:45", "2025-10-31 20:45"),
        ("2025-11-03 00:00", "2025-11-02 22:00"),
    ],
)
def test_the_server_of_a_broker_changes_its_clock_on_american_dates(wall: str, utc: str) -> None:
    times = np.array([ms(wall)], np.int64)

    assert parse_clock("NY+7").to_utc_ms(times).tolist() == [ms(utc)]


@given(
    name=st.sampled_from(NAMES),
    sunday=st.sampled_from(SUNDAYS),
    minutes=st.sampled_from([1, 5, 15, 30]),
    days=st.integers(2, 7),
)
@settings(max_examples=80, deadline=None)
def test_no_bar_of_a_market_that_never_closes_is_doubled_or_lost(
    name: str, sunday: str, minutes: int, days: int
) -> None:
    clock = parse_clock(name)
    begin = ms(sunday) - days * 24 * HOUR
    utc = begin + np.arange(2 * days * 1440 // minutes, dtype=np.int64) * minutes * 60_000

    wall = clock.to_wall_ms(utc)

    assert clock.to_utc_ms(wall).tolist() == utc.tolist()
    assert clock.to_utc_ms(wall[::-1]).tolist() == utc[::-1].tolist()
    assert not clock.is_skipped(wall).any()


@given(
    name=st.sampled_from(NAMES),
    sunday=st.sampled_from(SUNDAYS),
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0.05, 1),
)
@settings(max_examples=150, deadline=None)
def test_bars_with_holes_stay_in_order_and_apart(
    name: str, sunday: str, seed: int, share: float
) -> None:
    clock = parse_clock(name)
    utc = ms(sunday) - 48 * HOUR + np.arange(4 * 288, dtype=np.int64) * 300_000
    kept = utc[np.random.default_rng(seed).random(len(utc)) < share]

    wall = clock.to_wall_ms(kept)
    back = clock.to_utc_ms(wall)

    assert bool(np.all(np.diff(back) > 0))
    assert clock.to_wall_ms(back).tolist() == wall.tolist()


def test_h1_bars_write_the_doubled_hour_twice() -> None:
    utc = grid("2025-10-25 20:00", "2025-10-26 06:00", 60)

    wall = parse_clock("Europe/Athens").to_wall_ms(utc)

    assert texts(wall).count("10-26 03:00") == 2
    assert parse_clock("Europe/Athens").to_utc_ms(wall).tolist() == utc.tolist()


def test_a_file_glued_from_two_copies_gives_each_bar_twice() -> None:
    clock = parse_clock("Europe/Athens")
    utc = np.tile(grid("2025-10-25 20:00", "2025-10-26 06:00", 5), 2)

    assert clock.to_utc_ms(clock.to_wall_ms(utc)).tolist() == utc.tolist()


def test_a_file_that_begins_in_the_doubled_hour_joins_what_follows() -> None:
    clock = parse_clock("Europe/Athens")
    utc = grid("2025-10-26 01:20", "2025-10-26 06:00", 5)

    assert clock.to_utc_ms(clock.to_wall_ms(utc)).tolist() == utc.tolist()


def test_times_that_do_not_exist_are_read_as_before_the_change_and_counted() -> None:
    clock = parse_clock("Europe/Athens")
    wall = np.array([ms("2025-03-30 02:55"), ms("2025-03-30 03:00"), ms("2025-03-30 04:05")])

    assert texts(clock.to_utc_ms(wall)) == ["03-30 00:55", "03-30 01:00", "03-30 01:05"]
    assert clock.is_skipped(wall).tolist() == [False, True, False]


def test_a_stamp_of_another_age_costs_nothing_and_is_kept() -> None:
    wall = np.array([0, ms("2025-01-15 12:00"), ms("9990-01-01 00:00")])

    utc = parse_clock("Europe/Athens").to_utc_ms(wall)

    assert texts(utc[1:]) == ["01-15 10:00", "12-31 22:00"]


def test_the_changes_within_a_span_are_named() -> None:
    year = np.array([ms("2025-01-01"), ms("2025-12-31")])

    assert texts(parse_clock("NY+7").changes_ms(year)) == ["03-09 07:00", "11-02 06:00"]
    assert parse_clock("+02:00").changes_ms(year).tolist() == []
    assert parse_clock("UTC").changes_ms(year[:0]).tolist() == []
