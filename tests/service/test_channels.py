import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from setupdesk.app.live_bounds import MOST_CHANNELS
from tests.adapters.webhook_receiver import Receiver, receiving, say
from tests.service.serving import serving
from tests.service.test_hooks import MARKET, PAYLOAD, make_key, read_home

SECRET_PATH = "/services/T0/hidden?token=hidden-too"  # noqa: S105 (as some services have it)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as here:
        yield here


@pytest.fixture
def api(tmp_path: Path, receiver: Receiver) -> Iterator[httpx.Client]:
    allowed = f'private_channels = ["127.0.0.1:{receiver.port}"]\n'
    (tmp_path / "setupdesk.toml").write_text(allowed)
    with serving(tmp_path) as client:
        client.post("/data/simulated", json=MARKET)
        yield client


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Give a service with no private channels, in which nothing is made."""
    with serving(tmp_path_factory.mktemp("home")) as client:
        yield client


def add(api: httpx.Client, receiver: Receiver) -> dict[str, Any]:
    url = f"http://127.0.0.1:{receiver.port}{SECRET_PATH}"
    said = {"name": "n8n", "url": url, "events": ["run_finished", "run_failed"]}
    answer = api.post("/channels", json=said)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def await_outcome(api: httpx.Client, channel_id: str) -> Any:
    deadline = time.monotonic() + 10
    while True:
        log = api.get("/notifications", params={"channel_id": channel_id}).json()
        if log and log[0]["outcome"]:
            return log[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_running_desk_tells_of_the_end_of_a_run(
    api: httpx.Client, receiver: Receiver, tmp_path: Path
) -> None:
    made = add(api, receiver)
    run_id = api.post("/runs", json=PAYLOAD).json()["run_id"]
    api.post(f"/runs/{run_id}/cancel")

    told = await_outcome(api, made["channel_id"])

    assert (told["outcome"], told["event"], told["run_id"]) == ("delivered", "run_finished", run_id)
    assert json.loads(receiver.received[0].body)["run_id"] == run_id
    assert receiver.received[0].path == SECRET_PATH
    [listed] = api.get("/channels").json()
    assert listed["url"] == f"http://127.0.0.1:{receiver.port}"
    logged = read_home(tmp_path / "logs")
    assert "hidden" not in logged
    assert made["secret"] not in read_home(tmp_path)


def test_a_channel_can_be_tested_and_revoked(api: httpx.Client, receiver: Receiver) -> None:
    path = f"/channels/{add(api, receiver)['channel_id']}"

    tested = api.post(f"{path}/test")
    receiver.answer = lambda handler, _: say(handler, 500)
    failed = api.post(f"{path}/test")
    revoked = api.post(f"{path}/revoke").json()

    assert tested.json()["answered"] == 204
    assert json.loads(receiver.received[0].body)["event"] == "test"
    assert (failed.status_code, failed.json()["title"]) == (502, "undelivered")
    assert revoked["revoked_at"]
    assert api.post(f"{path}/test").status_code == 404
    assert api.get("/notifications").json() == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/", "unsafe_url"),
        ("https://127.0.0.1/hidden", "unsafe_url"),
        ("https://169.254.169.254/latest/meta-data", "unsafe_url"),
        ("https://2130706433/hidden", "unsafe_url"),
        ("https://nobody.invalid/hidden", "undelivered"),
        ("https://ann:hidden@example.com/", "unsafe_url"),
        ("https://exa\x00mple.com/", "unsafe_url"),
        ("https://\ud800/", "unsafe_url"),
        ("", "unsafe_url"),
    ],
)
def test_a_url_that_must_not_be_sent_to_is_refused(
    url: str, code: str, closed: httpx.Client
) -> None:
    said = json.dumps({"name": "x", "url": url, "events": ["alert"]})

    answer = closed.post("/channels", content=said, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422
    problem = answer.json()["problems"][0]
    assert problem["field"] in ("url", "body.url")
    assert problem["code"] == code or problem["field"] == "body.url"
    assert "hidden" not in answer.text
    assert closed.get("/channels").json() == []


def test_hooks_answer_at_once_while_many_tests_wait_for_receivers_that_hang(
    api: httpx.Client, receiver: Receiver
) -> None:
    paths = [f"/channels/{add(api, receiver)['channel_id']}/test" for _ in range(5)]
    token = api.post("/hooks", json={"name": "raids", "payload": PAYLOAD}).json()["token"]
    released = Event()

    def hang(handler: Any, _received: Any) -> None:
        released.wait(20)
        say(handler, 204)

    receiver.answer = hang

    def test(path: str) -> int:
        return httpx.post(f"{api.base_url}{path[1:]}", headers=api.headers, timeout=60).status_code

    with ThreadPoolExecutor(50) as many:
        tests = [many.submit(test, paths[number % 5]) for number in range(50)]
        await_that(lambda: len(receiver.received) == 4)
        begun = time.monotonic()
        delivered = api.post(f"/hooks/{token}", content="at=now")
        listed = api.get("/channels")
        took = time.monotonic() - begun
        told = len(receiver.received)
        released.set()
        statuses = Counter(one.result() for one in tests)

    assert (delivered.status_code, listed.status_code) == (202, 200)
    assert took < 1
    assert told == 4
    assert statuses[409] >= 1
    assert set(statuses) == {200, 409}


def await_that(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_user_has_twenty_channels_at_most_that_are_not_revoked(
    api: httpx.Client, receiver: Receiver
) -> None:
    first, *_ = [add(api, receiver)["channel_id"] for _ in range(MOST_CHANNELS)]
    said = {"name": "n8n", "url": f"http://127.0.0.1:{receiver.port}/", "events": ["alert"]}

    with ThreadPoolExecutor(4) as many:
        refused = list(many.map(lambda _: api.post("/channels", json=said), range(4)))
    other = api.post("/channels", json=said, headers=make_key(api, "bob", "trader"))
    api.post(f"/channels/{first}/revoke")
    again = api.post("/channels", json=said)

    for answer in refused:
        assert answer.status_code == 422
        assert answer.json()["problems"][0]["code"] == "too_many_channels"
        assert f"setupdesk channel revoke {first}" in answer.json()["problems"][0]["message"]
    assert (other.status_code, again.status_code) == (201, 201)


def test_what_is_not_there_is_404_and_what_is_wrong_422(closed: httpx.Client) -> None:
    said = {"name": "x", "url": "https://93.184.216.34/", "events": ["run_ended"]}

    assert closed.post("/channels", json=said).status_code == 422
    assert closed.post("/channels", json={**said, "events": []}).status_code == 422
    assert closed.post("/channels/channel_none/revoke").status_code == 404
    assert closed.post("/channels/channel_none/test").status_code == 404
    assert closed.get("/notifications", params={"channel_id": "none"}).status_code == 404


def test_a_channel_is_told_in_the_manner_that_it_was_given_and_that_can_be_changed(
    api: httpx.Client, receiver: Receiver
) -> None:
    quiet = {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"}
    url = f"http://127.0.0.1:{receiver.port}{SECRET_PATH}"
    said = {"name": "phone", "url": url, "events": ["alert"], "manner": {"quiet": quiet}}
    made = api.post("/channels", json=said).json()
    path = f"/channels/{made['channel_id']}"

    wanted = {"name": "desk", "manner": {"quiet": None, "kinds": {"stale": "off"}}}
    changed = api.patch(path, json=wanted)
    wrong = api.patch(path, json={"url": url, "manner": {"most_per_hour": 0, "kinds": {"x": "on"}}})

    usual = {"signal": "on", "further": "off", "stale": "on"}
    assert made["manner"] == {"kinds": usual, "quiet": quiet, "most_per_hour": 60}
    assert changed.status_code == 200
    assert changed.json()["name"] == "desk"
    assert changed.json()["manner"] == {
        "kinds": {**usual, "stale": "off"},
        "quiet": None,
        "most_per_hour": 60,
    }
    assert api.get("/channels").json() == [changed.json()]
    assert wrong.status_code == 422
    assert [one["field"] for one in wrong.json()["problems"]] == [
        *("url", "manner.kinds.x", "manner.most_per_hour")
    ]
    assert "hidden" not in changed.text + wrong.text
    api.post(f"{path}/revoke")
    assert api.patch(path, json={"name": "again"}).status_code == 404


def test_the_log_of_the_service_is_told_of_the_end_of_a_run(
    api: httpx.Client, receiver: Receiver, tmp_path: Path
) -> None:
    said = {"name": "log", "url": "log:", "events": ["run_finished"]}
    made = api.post("/channels", json=said).json()
    run_id = api.post("/runs", json=PAYLOAD).json()["run_id"]
    api.post(f"/runs/{run_id}/cancel")

    told = await_outcome(api, made["channel_id"])
    tested = api.post(f"/channels/{made['channel_id']}/test").json()

    assert (made["secret"], made["url"]) == (None, "log:")
    assert (told["outcome"], told["repeat"], told["alert_id"]) == ("delivered", False, None)
    assert tested["answered"] == 204
    lines = (tmp_path / "logs/service.jsonl").read_text().splitlines()
    events = [line for line in map(json.loads, lines) if line.get("told")]
    assert (events[0]["told"], events[0]["message_id"]) == ("run_finished", told["message_id"])
    assert (events[0]["event"], events[0]["run_id"]) == ("the run is cancelled", run_id)
    assert (events[1]["told"], events[1]["event"]) == ("test", "this is a test")
    assert receiver.received == []


def test_a_channel_is_there_for_its_owner_and_an_admin_only(
    api: httpx.Client, receiver: Receiver
) -> None:
    anna, bob = make_key(api, "anna", "trader"), make_key(api, "bob", "trader")
    url = f"http://127.0.0.1:{receiver.port}{SECRET_PATH}"
    said = {"name": "n8n", "url": url, "events": ["run_finished"]}
    channel_id = api.post("/channels", json=said, headers=anna).json()["channel_id"]
    run_ids = [api.post("/runs", json=PAYLOAD, headers=key).json()["run_id"] for key in (bob, anna)]
    for run_id in run_ids:
        api.post(f"/runs/{run_id}/cancel")

    told = await_outcome(api, channel_id)

    assert told["run_id"] == run_ids[1]
    assert len(receiver.received) == 1
    assert api.get("/channels", headers=bob).json() == []
    assert api.get("/notifications", headers=bob).json() == []
    assert len(api.get("/notifications", headers=anna).json()) == 1
    for path in (f"/channels/{channel_id}/revoke", f"/channels/{channel_id}/test"):
        assert api.post(path, headers=bob).status_code == 404
    changed = api.patch(f"/channels/{channel_id}", json={"name": "his"}, headers=bob)
    assert changed.status_code == 404
    asked = {"channel_id": channel_id}
    assert api.get("/notifications", params=asked, headers=bob).status_code == 404
