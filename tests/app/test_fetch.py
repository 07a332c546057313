from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.feed_spool import FeedSpool
from setupdesk.adapters.feeds.dukascopy import DukascopyFeed
from setupdesk.adapters.feeds.patience import Patience
from setupdesk.adapters.feeds.vendor_http import VendorHttp
from setupdesk.app.fetch import Fetch
from setupdesk.core.errors import FeedFailedError, InvalidRequestError
from setupdesk.core.timeframe import Timeframe
from tests.adapters.dukascopy_server import Vendor, serve

NOW = datetime(2025, 1, 22, 10, 30, 30, tzinfo=UTC)
PATIENT = Patience(sleep=lambda _: None)
TWO_WEEKS = {"from": "dukascopy", "symbol": "GER40", "start": "2025-01-06", "end": "2025-01-19"}


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serve(NOW) as vendor:
        yield vendor


def build_fetch(vendor: Vendor, folder: Path) -> Fetch:
    http = VendorHttp(clock=lambda: vendor.now, pause=0, timeout=0.5, patience=PATIENT)
    feed = DukascopyFeed(
        http=http, files_url=f"{vendor.address}/datafeed", api_url=f"{vendor.address}/v1"
    )
    return Fetch(
        load_catalogue(),
        {"dukascopy": feed},
        FeedSpool(folder / "spool"),
        BarStore(folder / "bars"),
        lambda: vendor.now,
    )


def run(fetch: Fetch, payload: dict[str, Any]) -> dict[str, Any]:
    *_, done = fetch(payload)
    return done


def test_a_fetch_stores_one_data_set_with_its_source(vendor: Vendor, tmp_path: Path) -> None:
    fetch = build_fetch(vendor, tmp_path)

    *days, done = fetch(TWO_WEEKS)

    (manifest,) = fetch.bar_store.manifests()
    # 2025-01-06 in Berlin begins on the fifth in UTC.
    assert [event["day"] for event in days][::14] == ["2025-01-05", "2025-01-19"]
    assert (days[-1]["days"], days[-1]["of"], days[-1]["bars"]) == (15, 15, manifest.rows)
    assert manifest.source_file == "dukascopy DEUIDXEUR, 2025-01-05 to 2025-01-19"
    assert (manifest.source_format, manifest.clock) == ("dukascopy", "UTC")
    assert len(manifest.source_sha256) == 64
    assert manifest.quality["silent"] == 2 * 180 + 3 * 1320
    assert (done["outcome"], done["added"], done["side"]) == ("created", manifest.rows, "bid")
    assert done["days_without_bars"] == []
    assert "127.0.0.1" not in str(manifest)


def test_the_same_fetch_again_asks_nobody_and_changes_nothing(
    vendor: Vendor, tmp_path: Path
) -> None:
    first = run(build_fetch(vendor, tmp_path), TWO_WEEKS)
    vendor.asked.clear()

    again = run(build_fetch(vendor, tmp_path), TWO_WEEKS)

    assert vendor.asked == []
    assert (again["outcome"], again["fingerprint"]) == ("unchanged", first["fingerprint"])


def test_a_longer_fetch_asks_for_the_new_days_only(vendor: Vendor, tmp_path: Path) -> None:
    run(build_fetch(vendor, tmp_path), TWO_WEEKS | {"start": "2025-01-13"})
    vendor.asked.clear()

    longer = run(build_fetch(vendor, tmp_path), TWO_WEEKS)

    whole = run(build_fetch(vendor, tmp_path / "other"), TWO_WEEKS)
    assert len(vendor.asked) == 7 + 15
    assert longer["outcome"] == "merged"
    assert longer["fingerprint"] == whole["fingerprint"]


def test_a_vendor_that_fails_leaves_what_came_and_the_next_fetch_goes_on(
    vendor: Vendor, tmp_path: Path
) -> None:
    vendor.faults = {"/14/BID": ["503"] * 6}
    fetch = build_fetch(vendor, tmp_path)

    with pytest.raises(FeedFailedError) as failed:
        run(fetch, TWO_WEEKS)

    (half,) = fetch.bar_store.manifests()
    asked_before = len(vendor.asked)
    done = run(build_fetch(vendor, tmp_path), TWO_WEEKS)
    whole = run(build_fetch(vendor, tmp_path / "other"), TWO_WEEKS)
    assert str(failed.value) == (
        "dukascopy did not deliver in 6 attempts: it answered 503. What came before is stored, "
        "up to 2025-01-13 23:59 UTC. This goes on from there: setupdesk data fetch GER40 "
        "--from dukascopy --timeframe M1 --start 2025-01-06 --end 2025-01-19"
    )
    assert half.last == datetime(2025, 1, 13, 23, 59, tzinfo=UTC)
    assert len(vendor.asked) == asked_before + 6 + 15
    assert done["fingerprint"] == whole["fingerprint"]


def test_a_vendor_that_fails_at_once_leaves_nothing(vendor: Vendor, tmp_path: Path) -> None:
    vendor.faults = {"/": ["always 503"]}
    fetch = build_fetch(vendor, tmp_path)

    with pytest.raises(FeedFailedError, match=r"No bars had come before\."):
        run(fetch, TWO_WEEKS)

    assert fetch.bar_store.manifests() == []


def test_a_fetch_that_is_let_go_keeps_the_days_that_came(vendor: Vendor, tmp_path: Path) -> None:
    events = build_fetch(vendor, tmp_path)(TWO_WEEKS)
    for _ in range(4):
        next(events)

    events.close()  # type: ignore[attr-defined]
    run(build_fetch(vendor, tmp_path), TWO_WEEKS)

    assert len(vendor.asked) == 15


def test_today_is_fetched_as_far_as_it_is_over_and_asked_for_again(
    vendor: Vendor, tmp_path: Path
) -> None:
    today = {"from": "dukascopy", "symbol": "GER40", "start": "2025-01-22"}
    first = run(build_fetch(vendor, tmp_path), today)
    vendor.now += timedelta(minutes=20)

    second = run(build_fetch(vendor, tmp_path), today)

    assert first["last"] == "2025-01-22T10:29:00+00:00"
    assert (second["outcome"], second["added"]) == ("merged", 20)
    assert second["disagreeing"] == 0


def test_days_of_the_week_without_bars_are_named(vendor: Vendor, tmp_path: Path) -> None:
    vendor.faults = {"/08/BID": ["404"], "/15/BID": ["empty"]}

    done = run(build_fetch(vendor, tmp_path), TWO_WEEKS)

    assert done["days_without_bars"] == ["2025-01-08", "2025-01-15"]


def test_a_weekend_alone_stores_nothing(vendor: Vendor, tmp_path: Path) -> None:
    saturday = TWO_WEEKS | {"symbol": "GER40", "start": "2025-01-18", "end": "2025-01-18"}
    vendor.faults = {"/17/BID": ["404"]}
    fetch = build_fetch(vendor, tmp_path)

    done = run(fetch, saturday)

    assert (done["outcome"], done["rows"]) == ("empty", 0)
    assert fetch.bar_store.manifests() == []


def test_a_day_that_was_damaged_on_disk_is_fetched_again(vendor: Vendor, tmp_path: Path) -> None:
    whole = run(build_fetch(vendor, tmp_path), TWO_WEEKS)
    (kept,) = tmp_path.glob("spool/dukascopy/GER40/M1/2025/2025-01-14.npz")
    kept.write_bytes(kept.read_bytes()[:1000])
    vendor.asked.clear()

    again = run(build_fetch(vendor, tmp_path), TWO_WEEKS)

    assert len(vendor.asked) == 1
    assert again["fingerprint"] == whole["fingerprint"]


@pytest.mark.parametrize(
    ("change", "field", "code", "words"),
    [
        ({"from": "dukascopi"}, "from", "unknown_feed", "'dukascopi' is not a feed"),
        ({"symbol": "GER4O"}, "symbol", "unknown_symbol", "'GER4O' is not a symbol"),
        ({"symbol": "BTCUSD"}, "from", "not_listed", "dukascopy does not have BTCUSD"),
        ({"timeframe": "M15"}, "timeframe", "not_given", "M15 is made from the finest bars"),
        ({"timeframe": "M7"}, "timeframe", "unknown_timeframe", "'M7' is not a timeframe"),
        ({"start": "yesterday"}, "start", "wrong_type", "Write it as 2025-10-31"),
        ({"start": None}, "start", "missing", "Write it as 2025-10-31"),
        ({"end": "2025-01-23"}, "end", "in_the_future", "in the future; today is 2025-01-22"),
        ({"start": "2025-01-30", "end": None}, "start", "in_the_future", "in the future"),
        ({"end": "2025-01-02"}, "end", "before_start", "is before start 2025-01-06"),
        ({"start": "0001-01-01"}, "start", "out_of_bounds", "days before 1990-01-01"),
        ({"until": "2025-01-02"}, "until", "unknown_field", "is no part of a fetch"),
    ],
    ids=lambda value: value if isinstance(value, str) and "_" in value else "",
)
def test_a_wrong_fetch_is_refused_before_anybody_is_asked(  # noqa: PLR0913, PLR0917
    vendor: Vendor, tmp_path: Path, change: dict[str, Any], field: str, code: str, words: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        build_fetch(vendor, tmp_path)(TWO_WEEKS | change)

    (problem,) = refused.value.problems
    assert (problem.field, problem.code) == (field, code)
    assert words in problem.message
    assert vendor.asked == []


def test_every_problem_is_named_at_once(vendor: Vendor, tmp_path: Path) -> None:
    payload = {"from": "ducascopy", "symbol": "GER4O", "start": "soon"}

    with pytest.raises(InvalidRequestError) as refused:
        build_fetch(vendor, tmp_path)(payload)

    assert [(one.field, one.suggestion) for one in refused.value.problems] == [
        ("from", "dukascopy"),
        ("symbol", "GER40"),
        ("start", None),
    ]


def test_the_spool_does_not_mix_timeframes_ticks_and_feeds(vendor: Vendor, tmp_path: Path) -> None:
    fetch = build_fetch(vendor, tmp_path)
    run(fetch, TWO_WEEKS)
    symbol = fetch.catalogue["GER40"]
    day_ms = int(datetime(2025, 1, 14, tzinfo=UTC).timestamp() * 1000)

    found = fetch.spool.find("dukascopy", symbol, Timeframe.M1, day_ms)

    assert found is not None
    assert fetch.spool.find("dukascopy", symbol, Timeframe.M5, day_ms) is None
    assert fetch.spool.find("push", symbol, Timeframe.M1, day_ms) is None
