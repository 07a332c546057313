from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import numpy as np
import pytest

from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.feeds.dukascopy import DukascopyFeed, find_code
from setupdesk.adapters.feeds.patience import Patience
from setupdesk.adapters.feeds.vendor_http import VendorHttp
from setupdesk.adapters.importers import read_folder
from setupdesk.app.ports import FeedDownError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.days import to_ms
from setupdesk.market.feed import DAY_MS, Chunk
from tests.adapters.dukascopy_server import Vendor, draw_day, pack_day, serve

M1 = Timeframe.M1
GER40 = load_catalogue()["GER40"]
NOW = datetime(2025, 1, 22, 10, 30, 30, tzinfo=UTC)
"""A Wednesday, in the middle of a minute."""

MONDAY = datetime(2025, 1, 13, tzinfo=UTC)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serve(NOW) as vendor:
        yield vendor


def build_feed(
    vendor: Vendor, history: Literal["files", "api"] = "files", waits: list[float] | None = None
) -> DukascopyFeed:
    http = VendorHttp(
        clock=lambda: vendor.now,
        pause=0,
        timeout=2,
        patience=Patience(sleep=(waits if waits is not None else []).append),
    )
    return DukascopyFeed(
        http=http,
        files_url=f"{vendor.address}/datafeed",
        api_url=f"{vendor.address}/v1",
        history=history,
    )


def fetch(feed: DukascopyFeed, first: datetime, days: int) -> list[Chunk]:
    start_ms = to_ms(first)
    return list(feed.fetch(GER40, M1, start_ms, start_ms + days * DAY_MS))


def are_equal(one: Bars, other: Bars) -> bool:
    return one.fingerprint() == other.fingerprint()


def path_of(day: datetime) -> str:
    return f"DEUIDXEUR/{day.year}/{day.month - 1:02}/{day.day:02}/BID_candles_min_1.bi5"


def test_a_fetched_day_is_the_day_that_importing_its_file_gives(vendor: Vendor) -> None:
    chunks = fetch(build_feed(vendor), MONDAY, 5)

    days = [MONDAY + timedelta(days=n) for n in range(5)]
    files = [(path_of(day), pack_day(day.date())) for day in days]
    imported = read_folder(files, GER40, M1).bars
    joined = np.concatenate([chunk.bars.close for chunk in chunks])
    assert np.array_equal(joined, imported.close)
    assert [chunk.is_final for chunk in chunks] == [True] * 5
    assert [chunk.silent for chunk in chunks] == [0, 0, 0, 0, 180]
    # A machine that is busy may answer so late that a day is asked for once more.
    assert list(dict.fromkeys(vendor.asked)) == [f"/datafeed/{path_of(day)}" for day in days]


def test_the_api_has_the_days_of_the_files(vendor: Vendor) -> None:
    from_files = fetch(build_feed(vendor), MONDAY, 7)

    from_api = fetch(build_feed(vendor, "api"), MONDAY, 7)

    assert all(
        are_equal(one.bars, other.bars) for one, other in zip(from_files, from_api, strict=True)
    )


def test_a_weekend_has_no_bars_and_is_no_error(vendor: Vendor) -> None:
    saturday, sunday = fetch(build_feed(vendor), MONDAY + timedelta(days=5), 2)

    assert (len(saturday.bars), saturday.is_final, saturday.sha256) == (0, True, "")
    assert (len(sunday.bars), sunday.silent) == (120, 1320)


@pytest.mark.parametrize("fault", ["empty", "404"])
def test_an_empty_day_is_final_when_it_is_long_over_and_not_before(
    vendor: Vendor, fault: str
) -> None:
    vendor.faults = {"/13/BID": [fault], "/20/BID": [fault], "/2025/1/20": ["400"]}

    (old,) = fetch(build_feed(vendor), MONDAY, 1)
    (new,) = fetch(build_feed(vendor), MONDAY + timedelta(days=7), 1)

    assert (len(old.bars), old.is_final) == (0, True)
    assert (len(new.bars), new.is_final) == (0, False)


def test_a_day_that_has_just_ended_is_asked_for_again(vendor: Vendor) -> None:
    midnight, morning = NOW.replace(hour=0, minute=0, second=2), NOW.replace(hour=6, minute=0)
    final = []

    for vendor.now in (midnight, morning):
        (chunk,) = fetch(build_feed(vendor), datetime(2025, 1, 21, tzinfo=UTC), 1)
        final.append((len(chunk.bars), chunk.is_final))

    assert final == [(1440, False), (1440, True)]


def test_yesterday_comes_from_the_api_while_it_has_no_file(vendor: Vendor) -> None:
    vendor.faults = {"/21/BID": ["404"]}

    (chunk,) = fetch(build_feed(vendor), datetime(2025, 1, 21, tzinfo=UTC), 1)

    assert (len(chunk.bars), chunk.is_final) == (1440, True)
    assert vendor.asked[1] == "/v1/candles/minute/DEU.IDX-EUR/BID/2025/1/21"


@pytest.mark.parametrize(
    "faults",
    [
        ["429 7"],
        ["503"],
        ["202"],
        ["dropped"],
        ["cut"],
        ["html"],
        ["silent"],
        ["dripping"],
        ["429 3", "500", "cut", "dropped", "html"],
    ],
    ids="+".join,
)
@pytest.mark.parametrize("history", ["files", "api"])
def test_what_fails_once_is_asked_for_again_and_nothing_is_lost(
    vendor: Vendor, faults: list[str], history: Literal["files", "api"]
) -> None:
    whole = fetch(build_feed(vendor, history), MONDAY, 2)
    vendor.faults = {"/14": list(faults)}
    vendor.asked.clear()
    waits: list[float] = []

    mended = fetch(build_feed(vendor, history, waits), MONDAY, 2)

    assert all(are_equal(a.bars, b.bars) for a, b in zip(whole, mended, strict=True))
    assert len(vendor.asked) == 2 + len(faults)
    assert [wait for wait in waits if wait in (3, 7)] == [
        float(fault[4:]) for fault in faults if fault.startswith("429")
    ]


@pytest.mark.parametrize(
    ("fault", "reason", "questions"),
    [
        ("always 503", "did not deliver in 6 attempts: it answered 503", 6),
        ("always html", "it sent no whole bi5 file: It cannot be unpacked", 6),
        ("always cut", "It was cut off", 6),
        ("always 403", "answered 403 Forbidden", 1),
        ("always 302", "answered 302 Found", 1),
        ("always 429 3600", "asks to wait 3,600 s", 1),
    ],
)
def test_what_fails_for_good_is_given_up_with_the_reason(
    vendor: Vendor, fault: str, reason: str, questions: int
) -> None:
    vendor.faults = {"/14/BID": [fault]}
    chunks = build_feed(vendor).fetch(GER40, M1, to_ms(MONDAY), to_ms(MONDAY) + 2 * DAY_MS)
    next(chunks)

    with pytest.raises(FeedDownError) as down:
        next(chunks)

    assert reason in str(down.value)
    assert len(vendor.asked) == 1 + questions


def test_retry_after_may_be_a_date(vendor: Vendor) -> None:
    vendor.faults = {"/13/BID": ["503 Wed, 22 Jan 2025 10:30:47 GMT"]}
    waits: list[float] = []

    fetch(build_feed(vendor, waits=waits), MONDAY, 1)

    assert 17 in waits


def test_each_wait_is_longer_and_none_is_like_another_desk_s(vendor: Vendor) -> None:
    vendor.faults = {"/13/BID": ["503"] * 5}
    first: list[float] = []
    second: list[float] = []

    fetch(build_feed(vendor, waits=first), MONDAY, 1)
    vendor.faults = {"/13/BID": ["503"] * 5}
    fetch(build_feed(vendor, waits=second), MONDAY, 1)

    waits = [wait for wait in first if wait]
    assert all(0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits))
    assert len(waits) == 5
    assert first != second


def test_a_vendor_that_is_not_there_is_said_to_be_so(vendor: Vendor) -> None:
    feed = replace(build_feed(vendor), files_url="http://127.0.0.1:9/datafeed")

    with pytest.raises(FeedDownError, match="did not deliver in 6 attempts"):
        fetch(feed, MONDAY, 1)


def test_today_ends_with_the_last_minute_that_is_over(vendor: Vendor) -> None:
    (today,) = fetch(build_feed(vendor), datetime(2025, 1, 22, tzinfo=UTC), 1)

    drawn = draw_day(date(2025, 1, 22))
    assert not today.is_final
    assert today.bars.time[-1] == to_ms(datetime(2025, 1, 22, 10, 29, tzinfo=UTC))
    assert today.bars.close[-1] == round(drawn[629][2] / 100)


@pytest.mark.parametrize(
    ("second", "last"), [(30, "10:29"), (2, "10:28"), (5, "10:29")], ids=["mid", "early", "settled"]
)
def test_the_newest_bars_are_closed_ones(vendor: Vendor, second: int, last: str) -> None:
    vendor.now = NOW.replace(second=second)

    bars = build_feed(vendor).newest(GER40, M1, 3)

    hour, minute = (int(part) for part in last.split(":"))
    newest = to_ms(datetime(2025, 1, 22, hour, minute, tzinfo=UTC))
    assert bars.time.tolist() == [newest - 120_000, newest - 60_000, newest]


def test_on_a_sunday_the_newest_bars_are_those_of_friday(vendor: Vendor) -> None:
    vendor.now = datetime(2025, 1, 19, 12, tzinfo=UTC)

    bars = build_feed(vendor).newest(GER40, M1, 2)

    assert bars.time[-1] == to_ms(datetime(2025, 1, 17, 20, 59, tzinfo=UTC))
    assert len(bars) == 2


def test_prices_of_another_scale_are_no_bars(vendor: Vendor) -> None:
    listing = replace(GER40.feeds["dukascopy"], scale=10)
    symbol = replace(GER40, feeds={"dukascopy": listing})
    feed = build_feed(vendor)

    with pytest.raises(FeedDownError, match=r"is no price of GER40: 3,000 to 60,000"):
        list(feed.fetch(symbol, M1, to_ms(MONDAY), to_ms(MONDAY) + DAY_MS))


@pytest.mark.parametrize(
    ("name", "code"),
    [("DEUIDXEUR", "DEU.IDX-EUR"), ("EURUSD", "EUR-USD"), ("USA500IDXUSD", "USA500.IDX-USD")],
)
def test_the_api_has_names_of_its_own(name: str, code: str) -> None:
    assert find_code(name) == code


def test_every_symbol_of_the_catalogue_has_a_feed() -> None:
    assert [symbol.name for symbol in load_catalogue() if not symbol.feeds] == []
