"""Runs followed over HTTP, from any point, by many at once, until the service ends."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import routing

from setupdesk.client import Client
from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.service import events
from setupdesk.settings import load_settings
from tests.service import processes
from tests.service.serving import serving

MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path) as client:
        client.post("/data/simulated", json=MARKET)
        yield client


def ask(api: httpx.Client) -> str:
    run_id: str = api.post("/runs", json=PAYLOAD).json()["run_id"]
    return run_id


def ask_and_cancel(api: httpx.Client) -> str:
    run_id = ask(api)
    for notes in ("first", "second\n\tline", "третья"):
        api.patch(f"/runs/{run_id}", json={"notes": notes})
    api.post(f"/runs/{run_id}/cancel")
    return run_id


def listen(api: httpx.Client, run_id: str, heard: str = "") -> list[dict[str, Any]]:
    headers = {"Last-Event-ID": heard} if heard else {}
    told = []
    with api.stream("GET", f"/runs/{run_id}/events", headers=headers, timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for block in answer.read().decode().split("\n\n"):
            said = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
            if said:
                told.append({**said, "data": json.loads(said["data"])})
    return told


def test_a_run_is_told_from_its_acceptance_to_its_end(api: httpx.Client) -> None:
    run_id = ask(api)
    with ThreadPoolExecutor(1) as listener:
        hearing = listener.submit(listen, api, run_id)
        time.sleep(1)
        api.patch(f"/runs/{run_id}", json={"name": "First try"})
        api.post(f"/runs/{run_id}/cancel")
        told = hearing.result(20)

    states = [each["data"]["state"] for each in told if each["event"] == "state"]
    assert states == ["queued", "cancelled"]
    lines = [each["data"] for each in told if each["event"] == "log"]
    assert lines == api.get(f"/runs/{run_id}/logs").json()
    assert [line["event"] for line in lines] == ["request accepted", "name changed", "cancel asked"]
    assert [each["event"] for each in told].index("end") == len(told) - 1
    assert told[-1]["data"] == {
        "run_id": run_id,
        "state": "cancelled",
        "reason": "cancelled before it started",
        "summary": None,
    }


def test_a_stream_goes_on_behind_any_event_without_loss_or_repeat(
    tmp_path: Path, api: httpx.Client
) -> None:
    run_id = ask_and_cancel(api)
    whole = listen(api, run_id)

    assert len({each["id"] for each in whole}) == len(whole) == 7
    for place, each in enumerate(whole[:-1], start=1):
        assert listen(api, run_id, each["id"]) == whole[place:]
    assert listen(api, run_id, whole[-1]["id"]) == whole[-1:]
    for junk in ("junk", "-1:queued:", "1:queued:x:y", "9" * 99):
        assert listen(api, run_id, junk) == whole
    with serving(tmp_path) as started_anew:
        assert listen(started_anew, run_id, whole[2]["id"]) == whole[3:]


def test_a_run_that_is_carried_out_tells_its_stages(tmp_path: Path, api: httpx.Client) -> None:
    home = load_settings({"SETUPDESK_HOME": str(tmp_path)})
    inline = open_inline(home, Door.CLI)
    run_id = inline.ask(PAYLOAD | {"mode": "backtest", "options": {"dry_run": True}})["run_id"]

    told = listen(api, run_id)

    lines = [each["data"]["event"] for each in told if each["event"] == "log"]
    assert lines[0] == "request accepted"
    assert "task started" in lines
    assert told[-1]["data"]["state"] == "planned"
    by_inline = list(inline.events(run_id))
    assert [(each["event"], each["id"], each["data"]) for each in told] == [
        (each["event"], each["id"], each["data"]) for each in by_inline
    ]


def test_the_client_goes_on_by_itself_where_a_stream_ended(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LONGEST_SECONDS", 0.2)
    run_id = ask(api)
    address = str(api.base_url).removesuffix("/api/v1/")

    with Client(address, "the-key") as client:
        heard = client.events(run_id)
        told = [next(heard), next(heard)]
        for name in ("a", "b"):
            time.sleep(0.5)
            client.change_run(run_id, {"name": name})
            told.append(next(heard))
        client.cancel(run_id)
        told += heard

    states = [each["data"]["state"] for each in told if each["event"] == "state"]
    assert states == ["queued", "cancelled"]
    lines = [each["data"] for each in told if each["event"] == "log"]
    assert lines == api.get(f"/runs/{run_id}/logs").json()
    assert told[-1]["event"] == "end"


def test_other_routes_stay_quick_and_the_hundred_and_first_stream_has_to_wait(
    api: httpx.Client,
) -> None:
    run_id = ask(api)
    path = f"/runs/{run_id}/events"
    limits = httpx.Limits(max_connections=200)
    with (
        httpx.Client(base_url=api.base_url, headers=api.headers, limits=limits) as many,
        ExitStack() as stack,
    ):
        for _ in range(events.MOST_STREAMS):
            stream = stack.enter_context(many.stream("GET", path, timeout=30))
            assert stream.status_code == 200
        took = [measure(api, f"/runs/{run_id}") for _ in range(40)]
        beyond = api.get(path)

    assert sorted(took)[20] < 0.25
    assert (beyond.status_code, beyond.headers["retry-after"]) == (503, "10")
    assert beyond.headers["content-type"] == "application/problem+json"
    api.post(f"/runs/{run_id}/cancel")
    deadline = time.monotonic() + 10
    while api.get(path, timeout=20).status_code == 503:
        assert time.monotonic() < deadline, "who went away keeps a stream"
        time.sleep(0.1)


def test_one_key_leaves_streams_for_the_others(api: httpx.Client) -> None:
    run_id = ask(api)
    wanted = {"name": "greedy", "user": "anna", "role": "admin"}
    headers = {"Authorization": f"Bearer {api.post('/keys', json=wanted).json()['key']}"}
    path = f"/runs/{run_id}/events"
    limits = httpx.Limits(max_connections=100)
    with (
        httpx.Client(base_url=api.base_url, headers=headers, limits=limits) as greedy,
        ExitStack() as stack,
    ):
        for _ in range(events.MOST_OF_A_KEY):
            stream = stack.enter_context(greedy.stream("GET", path, timeout=30))
            assert stream.status_code == 200
        beyond = greedy.get(path)
        with api.stream("GET", path) as another:
            assert another.status_code == 200

    assert (beyond.status_code, beyond.headers["retry-after"]) == (429, "10")


def test_a_stream_ends_with_its_key(api: httpx.Client) -> None:
    run_id = ask(api)
    made = api.post("/keys", json={"name": "a", "user": "anna", "role": "admin"}).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    with api.stream("GET", f"/runs/{run_id}/events", headers=headers, timeout=20) as answer:
        lines = answer.iter_lines()
        first = next(lines)
        api.post(f"/keys/{made['key_id']}/revoke")
        rest = list(lines)

    assert first.startswith("event")
    assert "event: end" not in rest


def measure(api: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    assert api.get(path).status_code == 200
    return time.perf_counter() - began


def test_a_comment_comes_while_nothing_happens(
    api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "_PING_INTERVAL", 0.1)
    run_id = ask(api)

    with api.stream("GET", f"/runs/{run_id}/events", timeout=10) as answer:
        comment = next(line for line in answer.iter_lines() if line.startswith(":"))

    assert comment == ": ping"


def test_a_run_that_is_not_there_cannot_be_followed(api: httpx.Client) -> None:
    answer = api.get("/runs/run_2025_10_31_999/events")

    assert (answer.status_code, answer.json()["title"]) == (404, "not_found")


def test_open_streams_do_not_hold_up_the_end_of_the_service(tmp_path: Path) -> None:
    home = tmp_path / "home"
    open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI).simulate_bars(MARKET)
    with processes.serving(home) as (process, api), ExitStack() as stack:
        run_id = ask(api)
        streams = [
            stack.enter_context(api.stream("GET", f"/runs/{run_id}/events")) for _ in range(5)
        ]
        time.sleep(0.5)
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        took = time.monotonic() - told
        ends = [stream.read().decode() for stream in streams]

    assert took < 5
    assert all("event: state" in each and "event: end" not in each for each in ends)
