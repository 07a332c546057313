"""Who may do what: each route of the API's own description, for each kind of caller."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.core.caller import API_KEY, NewKey, Role
from setupdesk.core.errors import InvalidRequestError, TooFastError
from setupdesk.service.pace import Pace
from tests.service.serving import serving

DESCRIBED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs/openapi.json").read_text()
)
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DESCRIBED["paths"].items()
    for method, operation in operations.items()
]
CLOSED = [one for one in OPERATIONS if {} not in one[2].get("security", [{}])]
"""Without those that need no key, or say less without one."""

OPEN = {
    ("GET", "/api/v1/ping"),
    ("GET", "/api/v1/version"),
    ("GET", "/api/v1/health"),
    ("POST", "/api/v1/hooks/{token}"),
}
MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Doors:
    """A desk on which Anna has asked for a run, and keys of every kind."""

    api: httpx.Client
    keys: dict[str, str]
    things: dict[str, str]
    """Ids of Anna's own things, by their names in paths."""

    def send(self, who: str, method: str, path: str, **values: Any) -> httpx.Response:
        filled = re.sub(r"\{(\w+)\}", lambda found: self.things.get(found[1], "nothing"), path)
        origin = str(self.api.base_url).removesuffix("/api/v1/")
        shown = {"Authorization": f"Bearer {self.keys[who]}"} if self.keys[who] else {}
        with httpx.Client() as client:
            return client.request(method, f"{origin}{filled}", headers=shown, **values)


def make_key(api: httpx.Client, user: str, role: str) -> dict[str, Any]:
    made: dict[str, Any] = api.post(
        "/keys",
        json={"name": "test", "user": user, "role": role, "requests_per_minute": 100_000},
    ).json()
    return made


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    home = tmp_path_factory.mktemp("desk")
    with serving(home) as api:
        api.post("/data/simulated", json=MARKET)
        made = {
            "anna": make_key(api, "anna", "trader"),
            "viewer": make_key(api, "anna", "viewer"),
            "bob": make_key(api, "bob", "trader"),
            "expired": make_key(api, "anna", "admin"),
            "revoked": make_key(api, "anna", "admin"),
        }
        with sqlite3.connect(home / "ledger.db") as ledger:
            long_ago = ("2020-01-01T00:00:00.000000+00:00", made["expired"]["key_id"])
            ledger.execute("UPDATE api_key SET expires_at = ? WHERE key_id = ?", long_ago)
        api.post(f"/keys/{made['revoked']['key_id']}/revoke")
        keys = {name: key["key"] for name, key in made.items()}
        keys |= {"nobody": "", "stranger": f"sdk_{'x' * 43}", "admin": "the-key"}
        found = Doors(api, keys, {"symbol": "GER40", "timeframe": "M15"})
        receipt = found.send("anna", "POST", "/api/v1/runs", json=PAYLOAD).json()
        found.things["run_id"] = receipt["run_id"]
        schedule = {"name": "nightly", "cron": "0 22 * * *", "payload": PAYLOAD}
        made_one = found.send("anna", "POST", "/api/v1/schedules", json=schedule).json()
        found.things["schedule_id"] = made_one["schedule_id"]
        looked_at = {"setups": ["IB_raid_v1"], "symbols": ["GER40"], "timeframe": "M15"}
        looked_at |= {"every": "24h"}  # no poll comes while the tests look
        watch = found.send("anna", "POST", "/api/v1/watches", json=looked_at).json()
        found.things["watch_id"] = watch["watch_id"]
        yield found


def check(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.headers["content-type"] == PROBLEM
    assert (answer.status_code, answer.json()["title"]) == (status, code)


def test_what_needs_no_key_is_known_by_name() -> None:
    assert {(m, p) for m, p, _ in OPERATIONS} - {(m, p) for m, p, _ in CLOSED} <= OPEN


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("nobody", "no_key"),
        ("stranger", "wrong_key"),
        ("expired", "expired_key"),
        ("revoked", "revoked_key"),
    ],
)
def test_no_route_opens_without_a_key_that_opens_it(doors: Doors, who: str, code: str) -> None:
    for method, path, _ in CLOSED:
        answer = doors.send(who, method, path)

        check(answer, 401, code)
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("who", "role"), [("viewer", Role.VIEWER), ("anna", Role.TRADER)])
def test_a_role_opens_what_it_covers_and_nothing_else(doors: Doors, who: str, role: Role) -> None:
    tried = {True: 0, False: 0}
    for method, path, operation in CLOSED:
        needed = Role(operation["x-role"])
        tried[role.covers(needed)] += 1
        if not role.covers(needed):
            check(doors.send(who, method, path), 403, "role_needed")
        elif method == "GET" and not path.endswith("/events"):
            assert doors.send(who, method, path).status_code not in (401, 403)

    assert all(tried.values())


def test_all_that_changes_anything_takes_more_than_a_viewer() -> None:
    looks = {"/api/v1/runs/validate", "/api/v1/sign-in-links"}
    for method, path, operation in CLOSED:
        if method != "GET" and path not in looks:
            assert Role(operation["x-role"]) is not Role.VIEWER


def test_the_runs_of_others_are_not_there(doors: Doors) -> None:
    of_a_run = [(method, path) for method, path, _ in CLOSED if "{run_id}" in path]
    for method, path in of_a_run:
        answer = doors.send("bob", method, path, json={} if method != "GET" else None)

        check(answer, 404, "not_found")
    assert doors.send("bob", "GET", "/api/v1/runs").json()["runs"] == []
    assert doors.send("bob", "GET", "/api/v1/runs?user=anna").json()["runs"] == []
    assert doors.send("bob", "GET", "/api/v1/audit").json() == []
    assert {one["user"] for one in doors.send("bob", "GET", "/api/v1/keys").json()} == {"bob"}
    assert len(of_a_run) >= 7


@pytest.mark.parametrize("who", ["anna", "viewer", "admin"])
def test_ones_own_runs_are_there_and_all_are_for_an_admin(doors: Doors, who: str) -> None:
    run_id = doors.things["run_id"]

    assert doors.send(who, "GET", f"/api/v1/runs/{run_id}").json()["run_id"] == run_id
    assert [one["run_id"] for one in doors.send(who, "GET", "/api/v1/runs").json()["runs"]]
    assert doors.send(who, "GET", "/api/v1/audit").json()[0]["user"] == "anna"


def test_the_watches_of_others_are_not_there_and_neither_is_what_they_raise(doors: Doors) -> None:
    of_a_watch = [(method, path) for method, path, _ in CLOSED if "{watch_id}" in path]
    payload = {"watch": doors.things["watch_id"], "mode": "live"}

    for method, path in of_a_watch:
        check(doors.send("bob", method, path), 404, "not_found")
    asked = doors.send("bob", "POST", "/api/v1/runs", json=payload)
    assert len(of_a_watch) == 5
    assert [one["code"] for one in asked.json()["problems"]] == ["unknown_watch"]
    assert doors.send("bob", "GET", "/api/v1/watches").json() == []
    assert doors.send("bob", "GET", "/api/v1/alerts").json() == []
    for who in ("anna", "viewer", "admin"):
        [listed] = doors.send(who, "GET", "/api/v1/watches").json()
        assert listed["watch_id"] == doors.things["watch_id"]
        assert doors.send(who, "GET", f"/api/v1/watches/{listed['watch_id']}/polls").json() == []


def test_the_queue_tells_a_stranger_how_long_and_not_what(doors: Doors) -> None:
    [seen] = doors.send("bob", "GET", "/api/v1/queue").json()["waiting"]
    [own] = doors.send("anna", "GET", "/api/v1/queue").json()["waiting"]

    assert (seen["position"], seen["run_id"], seen["request"], seen["user"]) == (
        1,
        None,
        None,
        None,
    )
    assert (own["run_id"], own["user"]) == (doors.things["run_id"], "anna")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/health",  # CVE-2026-7722 and CVE-2026-3514: a path that ends like an open one
        "/api/v1/runs/ready",
        "/api/v1/audit/ping",
        "/api/v1/keys?path=/api/v1/ping",
        "/api/v1/keys#/ping",
        "/api/v1/keys;/ping",
        "/api/v1/ping/../keys",
        "/api/v1/ping/%2e%2e/keys",
        "/api/v1/ping/",
        "/api/v1//ping",
        "/api/v1/PING",
        "/api/v1/ping%00",
        "/ping",
        "/api/v1/hooks/a/revoke",
        "/api/events/in",  # CVE-2026-7723: a websocket that asked for no key
        "/openapi.json",
        "/api/v1/openapi.json",
        "/docs",
        "/redoc",
        "/",
    ],
)
def test_no_way_of_writing_a_path_goes_round_the_key(doors: Doors, path: str) -> None:
    check(doors.send("nobody", "GET", path), 401, "no_key")


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/ping", "/api/events/in"])
def test_no_websocket_opens(doors: Doors, path: str) -> None:
    origin = str(doors.api.base_url).removesuffix("/api/v1/")
    asked = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }

    assert httpx.get(f"{origin}{path}", headers=asked).status_code != 101


def test_a_key_says_whose_it_is_and_is_never_shown_again(doors: Doors) -> None:
    asked = {"name": "phone", "user": "carl", "role": "trader", "days": 30}

    made = doors.api.post("/keys", json=asked)

    key = made.json()["key"]
    assert made.status_code == 201
    assert API_KEY.fullmatch(key)
    me = httpx.get(f"{doors.api.base_url}whoami", headers={"Authorization": f"Bearer {key}"}).json()
    assert (me["user"], me["role"], me["most_waiting"]) == ("carl", "trader", 20)
    listed = doors.api.get("/keys").text
    assert made.json()["key_id"] in listed
    assert key not in listed
    assert "sha256" not in listed


def test_the_key_in_the_desks_home_cannot_be_revoked(doors: Doors) -> None:
    check(doors.api.post("/keys/desk/revoke"), 409, "own_key")
    check(doors.api.post("/keys/key_ffffffff/revoke"), 404, "not_found")


@pytest.mark.parametrize("wrong", ["", " ", "a\nb", "=1+1", "x" * 65, "\u202etxt", "a\x00"])
def test_names_that_could_forge_a_log_or_a_table_are_refused(wrong: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        NewKey(name=wrong, user=wrong, role=Role.VIEWER, days=1)

    assert [one.field for one in refused.value.problems] == ["name", "user"]


def test_a_key_is_not_replayed_to_another_user(doors: Doors) -> None:
    again = {"Idempotency-Key": "the same"}
    mine = doors.send("anna", "POST", "/api/v1/runs", json={"symbol": "X"})
    with httpx.Client() as client:
        answers = [
            client.post(
                f"{doors.api.base_url}runs",
                json={"symbol": "X"},
                headers={**again, "Authorization": f"Bearer {doors.keys[who]}"},
            ).json()
            for who in ("anna", "bob")
        ]

    assert mine.status_code == 422
    assert [one["user"] for one in answers] == ["anna", "bob"]


def test_a_key_waits_when_it_asks_too_fast(tmp_path: Path) -> None:
    with serving(tmp_path) as api:
        asked = {"name": "slow", "user": "dora", "role": "viewer", "requests_per_minute": 3}
        key = api.post("/keys", json=asked).json()["key"]
        slow = {"Authorization": f"Bearer {key}"}
        answers = [api.get("/timeframes", headers=slow) for _ in range(4)]
        other = api.get("/timeframes")

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert other.status_code == 200


def test_guessing_is_slowed_down_and_counted_and_stops_no_right_key(tmp_path: Path) -> None:
    with serving(tmp_path, {"SETUPDESK_WRONG_KEYS_PER_MINUTE": "5"}) as api:
        wrong = {"Authorization": "Bearer sdk_wrong"}
        answers = [api.get("/runs?key=SECRET", headers=wrong).status_code for _ in range(8)]
        right = api.get("/audit/turned-away")
        audit = api.get("/audit").json()

    assert answers == [401] * 5 + [429] * 3
    counted = {row["reason"]: row for row in right.json()}
    assert (counted["wrong_key"]["count"], counted["too_fast"]["count"]) == (5, 3)
    assert counted["wrong_key"]["address"] == "127.0.0.1"
    assert counted["wrong_key"]["example"] == "GET /api/v1/runs"
    assert audit == []


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [("nobody", "/api/v1/runs", 401), ("viewer", "/api/v1/runs", 403), ("viewer", "/x", 404)],
)
def test_who_is_refused_early_may_finish_sending_and_ask_again(
    doors: Doors, who: str, path: str, status: int
) -> None:
    connection = HTTPConnection(doors.api.base_url.netloc.decode(), timeout=10)
    for _ in range(3):
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", "20000")
        connection.putheader("Authorization", f"Bearer {doors.keys[who]}")
        connection.endheaders()
        time.sleep(0.05)
        connection.send(b" " * 20_000)
        with connection.getresponse() as answer:
            assert answer.status == status
            assert answer.read()

    connection.close()


def test_whoever_never_sends_what_was_announced_is_answered_all_the_same(doors: Doors) -> None:
    connection = HTTPConnection(doors.api.base_url.netloc.decode(), timeout=10)
    connection.putrequest("POST", "/api/v1/runs")
    connection.putheader("Content-Length", "20000")
    connection.endheaders()

    with connection.getresponse() as answer:
        assert answer.status == 401
    connection.close()


def test_a_bucket_fills_again() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    for _ in range(2):
        pace.take("anna", 2)
    with pytest.raises(TooFastError) as refused:
        pace.take("anna", 2)
    now[0] += refused.value.retry_after

    pace.take("anna", 2)
    pace.take("bob", 2)
    with pytest.raises(TooFastError):
        pace.take("anna", 2)


def test_no_more_runs_wait_than_a_key_allows(tmp_path: Path) -> None:
    with serving(tmp_path) as api:
        api.post("/data/simulated", json=MARKET)
        asked = {"name": "few", "user": "dora", "role": "trader"}
        bounds = {"most_waiting": 2, "most_bars": 2_000}
        key = api.post("/keys", json={**asked, **bounds}).json()["key"]
        few = {"Authorization": f"Bearer {key}"}
        short = {**PAYLOAD, "end": "2025-05-14"}
        long = api.post("/runs", json=PAYLOAD, headers=few)
        answers = [api.post("/runs", json=short, headers=few) for _ in range(3)]
        room = api.post("/runs/validate", json=short, headers=few).json()["queue"]["has_room"]
        other = api.post("/runs", json=short)

    assert long.json()["problems"][0]["code"] == "too_long"
    assert [one.status_code for one in answers] == [202, 202, 429]
    assert answers[-1].json()["problems"][0]["code"] == "too_many_waiting"
    assert not room
    assert other.status_code == 202


def test_what_is_everybodys_takes_an_admin(doors: Doors) -> None:
    replaced = "/api/v1/data/import?symbol=GER40&timeframe=M1&file_name=a.csv&replace=true"
    run = f"/api/v1/runs/{doors.things['run_id']}"

    check(doors.send("anna", "POST", replaced, content=b"x"), 403, "role_needed")
    check(doors.send("anna", "PATCH", run, json={"priority": "live"}), 403, "role_needed")
    assert doors.send("anna", "PATCH", run, json={"priority": "nightly"}).status_code == 200
    assert doors.send("anna", "PATCH", run, json={"priority": "manual"}).status_code == 200


def test_the_sentence_about_a_missing_key_says_how_to_send_one(doors: Doors) -> None:
    assert "Bearer, a space" in doors.send("nobody", "GET", "/api/v1/runs").json()["detail"]


def test_deliveries_to_hooks_have_a_pace(tmp_path: Path) -> None:
    with serving(tmp_path, {"SETUPDESK_HOOK_DELIVERIES_PER_MINUTE": "3"}) as api:
        answers = [api.post("/hooks/unknown", content="symbol=GER40") for _ in range(4)]

    assert [one.status_code for one in answers] == [404, 404, 404, 429]
