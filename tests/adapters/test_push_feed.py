import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from setupdesk.adapters.bar_store import BarStore
from setupdesk.adapters.catalogue import load_catalogue
from setupdesk.adapters.feed_spool import FeedSpool
from setupdesk.adapters.feeds.push import PushFeed
from setupdesk.app.fetch import Fetch
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.days import to_ms

GER40 = load_catalogue()["GER40"]
M5 = Timeframe.M5
NOW = datetime(2025, 1, 22, 0, 30, 2, tzinfo=UTC)


def build_feed(folder: Path, now: datetime = NOW) -> PushFeed:
    return PushFeed(spool=FeedSpool(folder / "spool"), now=lambda: now)


def bar(minutes_ago: int, **changes: Any) -> dict[str, Any]:
    opened = NOW.replace(second=0) - timedelta(minutes=minutes_ago)
    prices = {"open": 21_000.5, "high": 21_003.1, "low": 20_999.9, "close": 21_001.2}
    return {"time": opened.isoformat(), **prices, "volume": 12.0} | changes


def test_what_is_sent_is_there_and_sent_again_it_changes_nothing(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)

    first = feed.accept(GER40, M5, [bar(40), bar(35), bar(30)])
    again = build_feed(tmp_path).accept(GER40, M5, [bar(35), bar(30), bar(25)])
    third = feed.accept(GER40, M5, [bar(25)])

    newest = feed.newest(GER40, M5, 10)
    assert (first, again, third) == (
        {"added": 3, "repeated": 0},
        {"added": 1, "repeated": 2},
        {"added": 0, "repeated": 1},
    )
    # The first two opened before midnight.
    assert newest.time.tolist() == [
        to_ms(NOW.replace(second=0)) - n * 60_000 for n in (40, 35, 30, 25)
    ]
    assert newest.close.tolist() == [210_012] * 4


def test_a_gap_is_no_mistake_for_the_sender_was_off(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)
    feed.accept(GER40, M5, [bar(3 * 1440)])

    done = feed.accept(GER40, M5, [bar(5)])

    assert done["added"] == 1
    assert len(feed.newest(GER40, M5, 10)) == 2


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ([], "bars", "at least 1 item"),
        (["a bar"], "bars.0", "valid dictionary"),
        ([bar(5, time="2025-01-22 00:25")], "bars.0.time", "should have timezone info"),
        ([bar(5, close="much")], "bars.0.close", "valid number"),
        ([bar(5, close=float("nan"))], "bars.0.close", "finite number"),
        ([bar(5, color="red")], "bars.0.color", "Extra inputs"),
        ([bar(5, high=21_000.9)], "bars.0", "open or close outside low to high"),
        ([bar(5, low=2.1, open=2.1)], "bars.0", "is no price of GER40: 3,000 to 60,000"),
        ([bar(5, volume=-1)], "bars.0", "a volume below 0"),
        ([bar(7)], "bars.0", "does not open on the grid of M5"),
        ([bar(5), bar(10)], "bars.1", "does not come after the one before it"),
        ([bar(5), bar(5)], "bars.1", "does not come after the one before it"),
        ([bar(0)], "bars.0", "The bar of 2025-01-22 00:30 UTC is not closed yet"),
        ([bar(-60)], "bars.0", "is not closed yet"),
        ([bar(5, close=1e300)], "bars.0.close", "less than"),
        ([bar(10 * 1440)], "bars.0.time", "Import older bars as a file"),
    ],
)
def test_what_no_closed_bar_can_be_is_refused(
    tmp_path: Path, sent: list[Any], field: str, words: str
) -> None:
    feed = build_feed(tmp_path)
    feed.accept(GER40, M5, [bar(60)])

    with pytest.raises(InvalidRequestError) as refused:
        feed.accept(GER40, M5, sent)

    (problem,) = refused.value.problems
    assert problem.field == field
    assert words in problem.message
    assert len(feed.newest(GER40, M5, 10)) == 1


def test_one_wrong_bar_refuses_all_that_were_sent_with_it(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)

    with pytest.raises(InvalidRequestError, match="not closed yet"):
        feed.accept(GER40, M5, [bar(10), bar(5), bar(0)])

    assert len(feed.newest(GER40, M5, 10)) == 0


def test_a_closed_bar_never_changes(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)
    feed.accept(GER40, M5, [bar(10), bar(5)])

    with pytest.raises(InvalidRequestError, match="was sent before with other prices"):
        feed.accept(GER40, M5, [bar(10, close=21_000.0), bar(5)])


def test_a_bar_that_comes_late_is_refused(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)
    feed.accept(GER40, M5, [bar(15), bar(5)])

    with pytest.raises(InvalidRequestError, match=r"00:20 UTC comes after that of .* 00:25 UTC"):
        feed.accept(GER40, M5, [bar(10)])


def test_a_bar_without_volume_is_the_same_when_it_comes_again(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)
    feed.accept(GER40, M5, [bar(5, volume=None)])

    assert feed.accept(GER40, M5, [bar(5, volume=None)]) == {"added": 0, "repeated": 1}


def test_symbols_and_timeframes_are_kept_apart(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)
    feed.accept(GER40, M5, [bar(5)])

    assert len(feed.newest(GER40, Timeframe.M1, 5)) == 0
    assert len(feed.newest(load_catalogue()["UK100"], M5, 5)) == 0


def test_many_senders_at_once_lose_nothing(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)
    bars = [bar(5 * n) for n in range(40, 0, -1)]
    done: list[dict[str, int]] = []

    def send() -> None:
        done.append(feed.accept(GER40, M5, bars))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one["added"] for one in done) == [0] * 7 + [40]
    assert len(feed.newest(GER40, M5, 100)) == 40


def test_what_was_sent_is_fetched_into_the_store(tmp_path: Path) -> None:
    feed = build_feed(tmp_path)
    fetch = Fetch(
        load_catalogue(),
        {"push": feed},
        feed.spool,
        BarStore(tmp_path / "bars"),
        lambda: NOW,
    )
    feed.accept(GER40, M5, [bar(40), bar(35)])
    payload = {"from": "push", "symbol": "GER40", "timeframe": "M5", "start": "2025-01-21"}

    *_, first = fetch(payload)
    feed.accept(GER40, M5, [bar(30)])
    *_, second = fetch(payload)

    assert (first["outcome"], first["rows"]) == ("created", 2)
    assert (second["outcome"], second["added"], second["rows"]) == ("merged", 1, 3)


def test_every_wrong_bar_is_named_by_its_place(tmp_path: Path) -> None:
    sent = [bar(20), bar(15, volume=-1), bar(10), bar(5, high=21_000.9)]

    with pytest.raises(InvalidRequestError) as refused:
        build_feed(tmp_path).accept(GER40, M5, sent)

    assert {problem.field for problem in refused.value.problems} == {"bars.1", "bars.3"}
