"""Fetching through the service: a line a day, and errors that come after the first line."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from setupdesk.adapters.clock import now
from setupdesk.client import Client, DeskAnswerError
from setupdesk.service.app import create_app
from setupdesk.settings import FeedSettings, Settings
from setupdesk.wiring.desk import build_desk
from tests.adapters.dukascopy_server import Vendor, serve

WEEK = {"from": "dukascopy", "symbol": "GER40", "start": "2025-01-06", "end": "2025-01-10"}


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with serve(now()) as vendor:
        yield vendor


@pytest.fixture
def client(vendor: Vendor, tmp_path: Path) -> Iterator[Client]:
    feeds = FeedSettings(
        dukascopy_files_url=f"{vendor.address}/datafeed",
        dukascopy_api_url=f"{vendor.address}/v1",
        dukascopy_pause=0,
    )
    settings = Settings(home=tmp_path, owner="somebody", prefect_port=1, feeds=feeds)
    with running(settings) as address, Client(address, "the-key") as client:
        yield client


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    desk = build_desk(settings, hands_over=True)
    desk.keys.keep_own("the-key", settings.owner)
    app = create_app(desk)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def test_the_client_sees_every_day_and_what_was_stored(client: Client) -> None:
    *days, done = client.fetch_bars(WEEK)

    assert [event["event"] for event in days] == ["day"] * 6
    assert done["event"] == "done"
    assert client.data_sets()[0]["fingerprint"] == done["fingerprint"]


def test_a_wrong_fetch_is_refused_with_its_problems(client: Client) -> None:
    with pytest.raises(DeskAnswerError) as refused:
        next(client.fetch_bars(WEEK | {"from": "dukascopi"}))

    assert refused.value.code == "invalid_request"
    assert refused.value.problems[0]["suggestion"] == "dukascopy"


def test_what_fails_on_the_way_is_told_when_the_rest_is_stored(
    client: Client, vendor: Vendor
) -> None:
    vendor.faults = {"/08/BID": ["always 403"]}
    events = client.fetch_bars(WEEK)

    days = [next(events)["day"] for _ in range(3)]
    with pytest.raises(DeskAnswerError, match="answered 403 Forbidden") as failed:
        next(events)

    assert days == ["2025-01-05", "2025-01-06", "2025-01-07"]
    assert failed.value.code == "feed_failed"
    assert client.data_sets()[0]["last"] == "2025-01-07T23:59:00+00:00"


def test_a_client_that_goes_away_stops_the_fetch(client: Client, vendor: Vendor) -> None:
    vendor.slowness = 0.05
    events = client.fetch_bars(WEEK | {"start": "2024-01-01"})
    next(events)

    events.close()  # type: ignore[attr-defined]

    time.sleep(0.3)
    asked = len(vendor.asked)
    time.sleep(0.5)
    assert len(vendor.asked) == asked
    assert client.data_sets() == []
