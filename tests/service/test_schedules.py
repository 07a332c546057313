"""Schedules over HTTP, with a service that leads and so has a Scheduler."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from setupdesk.adapters.clock import now
from tests.service.serving import serving

MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
PAYLOAD = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "10d"}
NIGHTLY = {"name": "nightly", "cron": "30 22 * * 1-5", "payload": PAYLOAD}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("desk")) as client:
        client.post("/data/simulated", json=MARKET)
        yield client


def add(api: httpx.Client, **said: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.post("/schedules", json={**NIGHTLY, **said}).json()
    return made


def key_of(api: httpx.Client, user: str) -> tuple[str, dict[str, str]]:
    made = api.post("/keys", json={"name": "test", "user": user, "role": "trader"}).json()
    return made["key_id"], {"Authorization": f"Bearer {made['key']}"}


def test_a_schedule_is_made_with_what_is_usual_and_shows_when_it_is_due(api: httpx.Client) -> None:
    made = add(api)
    shown = api.get(f"/schedules/{made['schedule_id']}").json()

    assert (made["timezone"], made["catch_up"]) == ("Europe/Berlin", "last")
    assert (made["overlap"], made["start_deadline"]) == ("queue_one", "12h")
    assert made["only_on_sessions"]
    assert [tick["market_time"][11:16] for tick in shown["next"]] == ["22:30"] * 5
    assert made["schedule_id"] in [one["schedule_id"] for one in api.get("/schedules").json()]


def test_a_schedule_that_is_sent_again_with_its_key_is_one_schedule(api: httpx.Client) -> None:
    def make(key: str, **said: Any) -> httpx.Response:
        return api.post("/schedules", json=NIGHTLY | said, headers={"Idempotency-Key": key})

    first, again, another = (make(key) for key in ("a-click", "a-click", "another-click"))
    refused = make("a-click", cron="0 8 * * 6")
    api.patch(f"/schedules/{first.json()['schedule_id']}", json={"paused": True})
    later = make("a-click")

    assert first.json() == again.json()
    assert another.json()["schedule_id"] != first.json()["schedule_id"]
    assert refused.status_code == 409
    assert (later.json()["schedule_id"], later.json()["paused"]) == (
        *(first.json()["schedule_id"], True),
    )


def test_what_is_wrong_is_told_as_a_problem_document(api: httpx.Client) -> None:
    refused = api.post("/schedules", json={"name": "x", "cron": "0 25 * * *", "payload": {}})

    fields = [problem["field"] for problem in refused.json()["problems"]]
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert {"cron", "payload.setup_id", "payload.symbol", "payload.timeframe"} <= set(fields)


def test_run_now_starts_a_run_of_the_scheduler_with_its_period_resolved(api: httpx.Client) -> None:
    made = add(api)

    tick = api.post(f"/schedules/{made['schedule_id']}/run-now")
    [run_id] = tick.json()["run_ids"]
    run = api.get(f"/runs/{run_id}").json()

    assert tick.status_code == 202
    assert (run["door"], run["priority"]) == ("scheduler", "nightly")
    assert run["request"]["end"] == "2025-05-30"
    assert api.get(f"/schedules/{made['schedule_id']}/ticks").json() == [tick.json()]


def test_a_schedule_is_found_by_its_name_unless_another_has_it_too(api: httpx.Client) -> None:
    made = add(api, name="by name")
    found = api.get("/schedules/by name").json()
    ran = api.post("/schedules/by name/run-now")
    add(api, name="by name")

    assert found["schedule_id"] == made["schedule_id"]
    assert ran.status_code == 202
    assert api.get(f"/schedules/{made['schedule_id']}/ticks").json() == [ran.json()]
    assert api.get("/schedules/by name").status_code == 404


def test_a_schedule_is_paused_changed_and_removed(api: httpx.Client) -> None:
    path = f"/schedules/{add(api)['schedule_id']}"

    paused = api.patch(path, json={"paused": True}).json()
    changed = api.patch(path, json={"paused": False, "every": "1h", "overlap": "skip"}).json()
    unknown = api.patch(path, json={"evry": "1h"})
    removed = api.delete(path).json()

    assert paused["next"] == []
    assert (changed["every"], changed["overlap"], changed.get("cron")) == ("1h", "skip", None)
    assert len(changed["next"]) == 5
    assert unknown.json()["problems"][0]["suggestion"] == "every"
    assert removed["removed_at"]
    assert api.get(path).status_code == 404
    assert api.get(f"{path}/ticks").status_code == 200


def test_schedules_of_others_are_not_there_and_an_admin_sees_all(api: httpx.Client) -> None:
    _, ann = key_of(api, "ann")
    _, bob = key_of(api, "bob")
    made = api.post("/schedules", json=NIGHTLY, headers=ann).json()
    path = f"/schedules/{made['schedule_id']}"

    assert made["user"] == "ann"
    assert api.get("/schedules", headers=bob).json() == []
    assert api.get("/schedules/next", headers=bob).json() == []
    assert api.get(path, headers=bob).status_code == 404
    assert api.patch(path, json={"paused": True}, headers=bob).status_code == 404
    assert api.post(f"{path}/run-now", headers=bob).status_code == 404
    assert api.delete(path, headers=bob).status_code == 404
    assert api.get(f"{path}/ticks", headers=bob).status_code == 404
    assert api.get(path).status_code == 200


def test_a_revoked_key_pauses_its_schedules(api: httpx.Client) -> None:
    key_id, carl = key_of(api, "carl")
    made = api.post("/schedules", json=NIGHTLY, headers=carl).json()

    revoked = api.post(f"/keys/{key_id}/revoke").json()

    assert revoked["schedules"] == [made["schedule_id"]]
    assert api.get(f"/schedules/{made['schedule_id']}").json()["paused"]


def find_lateness(tick: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(tick["at"]) - datetime.fromisoformat(tick["due_at"])


def test_a_service_that_runs_fires_what_is_due(api: httpx.Client) -> None:
    soon = f"M1 + {(now() + timedelta(seconds=3)).second}s"
    made = add(api, cron=None, at_bar_close=soon, only_on_sessions=False)
    path = f"/schedules/{made['schedule_id']}/ticks"
    until = time.monotonic() + 70
    while not (ticks := api.get(path).json()) or ticks[0]["outcome"] == "due":
        assert time.monotonic() < until
        time.sleep(0.2)
    api.delete(f"/schedules/{made['schedule_id']}")

    [run_id] = ticks[0]["run_ids"]
    assert ticks[0]["outcome"] == "fired"
    assert find_lateness(ticks[0]) < timedelta(seconds=5)
    assert api.get(f"/runs/{run_id}").json()["door"] == "scheduler"


def test_a_schedule_is_foreseen_and_nothing_is_made(api: httpx.Client) -> None:
    before = api.get("/schedules").json()

    foreseen = api.post("/schedules/validate", json=NIGHTLY)
    wrong = api.post("/schedules/validate", json=NIGHTLY | {"cron": "0 25 * * *"})

    assert [tick["market_time"][11:16] for tick in foreseen.json()["next"]] == ["22:30"] * 5
    assert foreseen.json()["timezone"] == "Europe/Berlin"
    assert [one["field"] for one in wrong.json()["problems"]] == ["cron"]
    assert api.get("/schedules").json() == before


def test_as_many_of_the_next_ticks_are_shown_as_are_wanted(api: httpx.Client) -> None:
    made = add(api)

    shown = api.get(f"/schedules/{made['schedule_id']}", params={"coming": 10}).json()

    assert len(shown["next"]) == 10
