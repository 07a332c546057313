"""Routes of comparisons, saved requests, the audit log and the desk: who sees what."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.service.serving import serving

REQUEST = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "10d"}


@pytest.fixture(scope="module", name="api")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("desk")) as http:
        march = {"symbol": "GER40", "start": "2025-03-01", "end": "2025-03-31", "seed": 1}
        http.post("/data/simulated", json=march)
        yield http


def as_user(api: httpx.Client, user: str) -> dict[str, str]:
    made = api.post("/keys", json={"name": "a", "user": user, "role": "trader"}).json()
    return {"Authorization": f"Bearer {made['key']}"}


def ask(api: httpx.Client, user: dict[str, str], **changes: Any) -> dict[str, Any]:
    receipt: dict[str, Any] = api.post("/runs", json=REQUEST | changes, headers=user).json()
    return receipt


def test_a_run_of_somebody_else_is_not_compared(api: httpx.Client) -> None:
    ann, bob = as_user(api, "ann"), as_user(api, "bob")
    own, other = ask(api, ann)["run_id"], ask(api, bob)["run_id"]

    hidden = api.get("/runs/compare", params={"run": [own, other]}, headers=ann)
    unfit = api.get("/runs/compare", params={"run": [own, other]})

    assert (hidden.status_code, hidden.json()["detail"]) == (404, f"There is no run '{other}'.")
    assert unfit.status_code == 422
    assert {one["code"] for one in unfit.json()["problems"]} == {"not_comparable"}


def test_a_user_searches_his_own_requests_page_by_page(api: httpx.Client) -> None:
    eve = as_user(api, "eve")
    for symbol in ("GER4O", "GER40", "XAUUSD"):
        ask(api, eve, symbol=symbol)

    def search(**said: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = api.get("/audit", params=said, headers=eve).json()
        return rows

    first = search(limit=2)
    rest = search(limit=2, before=first[-1]["audit_id"])
    assert [row["payload"]["symbol"] for row in [*first, *rest]] == ["XAUUSD", "GER40", "GER4O"]
    assert [row["outcome"] for row in search(outcome="accepted", door="api")] == ["accepted"]
    assert search(search="ger4o")[0]["problems"][0]["suggestion"] == "GER40"
    assert search(user="ann") == []
    assert len(search(since="2020-01-01", until="2100-01-01")) == 3


def test_what_cannot_be_searched_for_is_said_all_at_once(api: httpx.Client) -> None:
    answer = api.get("/audit", params={"door": "window", "outcome": "refuse", "since": "soon"})

    problems = {one["field"]: one for one in answer.json()["problems"]}
    assert answer.status_code == 422
    assert set(problems) == {"door", "outcome", "since"}
    assert problems["outcome"]["suggestion"] == "refused"


@pytest.mark.parametrize("path", ["/desk", "/doctor"])
def test_the_desk_itself_is_for_admins(api: httpx.Client, path: str) -> None:
    shown, hidden = api.get(path), api.get(path, headers=as_user(api, "ann"))

    assert shown.status_code == 200
    assert hidden.status_code == 403
    assert "ledger.db" in shown.text or "ledger" in {one["check"] for one in shown.json()["checks"]}


def test_a_saved_request_is_its_users_alone(api: httpx.Client) -> None:
    ann, bob = as_user(api, "ann"), as_user(api, "bob")
    said = {"name": "raid", "payload": REQUEST}
    made = api.post("/saved-requests", json=said, headers=ann)
    path = f"/saved-requests/{made.json()['saved_id']}"

    again = api.post("/saved-requests", json=said, headers=ann)

    assert (made.status_code, again.status_code) == (201, 422)
    assert api.get(path, headers=bob).status_code == 404
    assert api.delete(path, headers=bob).status_code == 404
    assert api.delete(path, headers=ann).json()["name"] == "raid"
    assert api.get("/saved-requests", headers=ann).json() == []
