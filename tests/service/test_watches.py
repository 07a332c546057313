"""Watches over HTTP: foreseen, made once however often they are sent, and their bars."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.doors.test_watch_command import play_until
from tests.service.serving import serving

WATCH = {
    "setups": ["IB_raid_v1"],
    "symbols": ["GER40"],
    "timeframe": "M15",
    "feed": "replay",
    "replay_from": "2025-05-12 09:00",
    "speed": 1,
    "every": "1m",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars({"symbol": "GER40", "start": "2025-04-01", "end": "2025-05-30", "seed": 1})
    desk.desk.close()
    return home


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[httpx.Client]:
    with serving(home) as client:
        yield client


def make(api: httpx.Client, key: str | None = None, **said: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return api.post("/watches", json={**WATCH, **said}, headers=headers)


def test_what_becomes_of_a_watch_is_foreseen_and_nothing_is_written(api: httpx.Client) -> None:
    before = api.get("/watches").json()

    foreseen = api.post("/watches/validate", json=WATCH).json()

    assert (foreseen["name"], foreseen["looks"]) == ("IB_raid_v1 GER40 M15", 1)
    assert (foreseen["every"], foreseen["expires"]) == ("1m", "30m")
    assert foreseen["replay_from"] == "2025-05-12T07:00:00Z"
    assert len(foreseen["next"]) == 5
    assert len(api.get("/watches").json()) == len(before)
    assert len(api.get("/schedules").json()) == len(before)


def test_every_problem_of_a_watch_is_told_beforehand(api: httpx.Client) -> None:
    wrong = {"setups": ["IB_raid"], "speed": 0, "expires": "1s", "every": "later", "feed": "replay"}

    refused = api.post("/watches/validate", json=WATCH | wrong)

    assert refused.status_code == 422
    assert {"setups", "speed", "expires"} <= {one["field"] for one in refused.json()["problems"]}


def test_a_watch_that_is_sent_again_with_its_key_is_one_watch(api: httpx.Client) -> None:
    first, again = make(api, "a-click"), make(api, "a-click")
    another, plain = make(api, "another-click"), make(api)

    ids = [one.json()["watch_id"] for one in (first, again, another, plain)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert make(api, "a-click", speed=2).status_code == 409
    assert make(api, "two words").status_code == 422
    assert make(api, "named", name="mine").json()["name"] == "mine"
    assert make(api, "named", name="mine").status_code == 201


def test_the_bars_of_a_watch_end_with_its_last_poll(api: httpx.Client, home: Path) -> None:
    watch_id = make(api).json()["watch_id"]
    nothing = api.get(f"/watches/{watch_id}/bars").json()
    play_until(home, watch_id, datetime(2025, 5, 13, 10, 5, tzinfo=UTC))

    bars = api.get(f"/watches/{watch_id}/bars", params={"limit": 120}).json()
    stored = api.get("/data/GER40/M15/bars", params={"end": "2025-05-13"}).json()

    assert (nothing["time"], nothing["seen_until"], nothing["sessions"]) == ([], None, [])
    assert bars["seen_until"] == "2025-05-13T10:00:00Z"
    assert len(bars["time"]) == 120
    place = stored["time"].index(bars["time"][0])
    assert stored["close"][place : place + 120] == bars["close"]
    assert bars["time"][-1] + 900_000 == 1000 * datetime(2025, 5, 13, 10, tzinfo=UTC).timestamp()
    newest = bars["sessions"][-1]
    assert (newest["day"], newest["opens_at"][11:16]) == ("2025-05-13", "07:00")


def test_a_bar_is_shown_as_the_watch_saw_it_though_another_is_stored_now(
    api: httpx.Client, home: Path
) -> None:
    watch_id = make(api).json()["watch_id"]
    play_until(home, watch_id, datetime(2025, 5, 12, 9, 35, tzinfo=UTC))
    before = api.get(f"/watches/{watch_id}/bars").json()
    with sqlite3.connect(home / "ledger.db") as ledger:
        seen = "UPDATE sighting SET bars = json_set(bars, '$[#-1][4]', 1) WHERE watch_id = ?"
        ledger.execute(seen, (watch_id,))

    after = api.get(f"/watches/{watch_id}/bars").json()

    assert after["close"][-1] == before["tick"]
    assert after["close"][:-1] == before["close"][:-1]


def test_bars_of_a_symbol_that_is_not_watched_are_not_found(api: httpx.Client) -> None:
    watch_id = make(api).json()["watch_id"]

    answer = api.get(f"/watches/{watch_id}/bars", params={"symbol": "EURUSD"})

    assert answer.status_code == 404
    assert "GER40" in answer.text
    assert api.get(f"/watches/{watch_id[:-1]}x/bars").status_code == 404
