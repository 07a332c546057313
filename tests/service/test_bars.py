import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.adapters import clock
from setupdesk.client import Client, DeskAnswerError
from tests.service.serving import serving

MARKET = {"symbol": "GER40", "start": "2025-01-02", "end": "2025-05-30", "seed": 1}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path) as client:
        yield client


def draw_bars(count: int, **changes: Any) -> list[dict[str, Any]]:
    newest = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=2)
    prices = {"open": 21_000.5, "high": 21_003.1, "low": 20_999.9, "close": 21_001.2}
    return [
        {"time": (newest - timedelta(minutes=n)).isoformat(), **prices, "volume": 12} | changes
        for n in range(count - 1, -1, -1)
    ]


def test_bars_are_pushed_once_fetched_and_shown(api: httpx.Client) -> None:
    bars = draw_bars(30)
    said = {"symbol": "de40", "timeframe": "1m", "bars": bars}

    first, again = (api.post("/bars", json=said).json() for _ in range(2))
    api.post("/data/fetch", json={"from": "push", "symbol": "GER40", "start": bars[0]["time"][:10]})
    page = api.get("/data/GER40/M1/bars").json()

    newest = bars[-1]["time"].replace("+00:00", "Z")
    shown = {"symbol": "GER40", "timeframe": "M1", "newest": newest}
    assert first == shown | {"added": 30, "repeated": 0}
    assert again == shown | {"added": 0, "repeated": 30}
    assert page["time"][-1] == datetime.fromisoformat(newest).timestamp() * 1000
    assert (len(page["time"]), page["close"][0], page["volume"][0]) == (30, 21_001.2, 12.0)


def test_wrong_bars_are_refused_whole_each_with_its_place(api: httpx.Client) -> None:
    bars = draw_bars(3)
    bars[1] |= {"close": "much"}
    bars[2] |= {"color": 1}

    answer = api.post("/bars", json={"symbol": "GER40", "timeframe": "M1", "bars": bars})

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["problems"]] == ["bars.1.close", "bars.2.color"]
    taken = api.post("/bars", json={"symbol": "GER40", "timeframe": "M1", "bars": draw_bars(1)})
    assert taken.json()["added"] == 1


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({}, ["symbol", "timeframe", "bars", "symbol"]),
        ({"symbol": "GER4O", "timeframe": "H4", "bars": 5}, ["symbol", "timeframe", "bars"]),
        ({"symbol": "GER40", "timeframe": "M1", "bars": [], "bar": 1}, ["bar"]),
        ({"symbol": ["GER40"], "timeframe": {}, "bars": {}}, ["symbol", "timeframe", "bars"]),
    ],
)
def test_what_is_wrong_around_the_bars_is_told_at_once(
    api: httpx.Client, said: dict[str, Any], found: list[str]
) -> None:
    answer = api.post("/bars", json=said)

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["problems"]] == found


def test_a_mib_of_bars_is_the_most_that_is_read(api: httpx.Client) -> None:
    said = {"symbol": "GER40", "timeframe": "M1", "bars": draw_bars(5_000)}

    fits = api.post("/bars", json=said, timeout=30)
    long = api.post("/bars", content=json.dumps(said | {"junk": "x" * 1_048_576}))
    many = api.post("/bars", json=said | {"bars": [0] * 10_001})

    assert fits.json()["added"] == 5_000
    assert long.status_code == 413
    assert "at most 10000 items" in many.json()["problems"][0]["message"]


def test_five_thousand_bars_come_quickly_and_by_the_client(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET, timeout=60)
    took = []
    for timeframe in ("M1", "M15") * 5:
        began = time.perf_counter()
        page = api.get(f"/data/GER40/{timeframe}/bars", params={"limit": 5_000})
        took.append(time.perf_counter() - began)
        assert len(page.json()["time"]) == 5_000

    assert sorted(took)[5] < 0.25, "it takes a twentieth of a second where nothing else runs"
    address = str(api.base_url).removesuffix("/api/v1/")
    with Client(address, "the-key") as client:
        first = client.bars("GER40", "H1", limit=10, end="2025-05-20")
        before = client.bars("GER40", "H1", limit=10, cursor=first["next_cursor"])
        assert before["time"][-1] < first["time"][0]
        with pytest.raises(DeskAnswerError, match="is not a symbol"):
            client.push_bars({"symbol": "X", "timeframe": "M1", "bars": draw_bars(1)})
    assert api.get("/data/GER40/M1/bars?limit=50001").status_code == 422


def test_the_simulated_market_has_ten_years_at_most(api: httpx.Client) -> None:
    long = api.post("/data/simulated", json=MARKET | {"end": "2035-01-02"})
    wrong = api.post(
        "/data/simulated", json={"symbol": "GER4O", "start": "soon", "end": 5, "seed": -1, "x": 1}
    )

    [problem] = long.json()["problems"]
    assert (long.status_code, problem["field"], problem["code"]) == (422, "end", "too_long")
    assert problem["suggestion"] == "2035-01-01"
    assert wrong.status_code == 422
    fields = [one["field"] for one in wrong.json()["problems"]]
    assert fields == ["x", "symbol", "start", "end", "seed"]
    assert wrong.json()["problems"][1]["suggestion"] == "GER40"
    assert api.get("/data").json() == []
