"""Many requests over HTTP at once, right ones and wrong ones, by the keys of several users."""

import json
import random
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tests.service.processes import serving

SEED = 20251031
USERS = ("anna", "bob", "carl", "dora", "emil")
MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
RUN = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
NO_BOUND = {"requests_per_minute": None, "most_waiting": None, "most_running": None}
MANY = {
    "SETUPDESK_MOST_WAITING": "100000",
    "SETUPDESK_MOST_WAITING_PER_USER": "100000",
    "SETUPDESK_WRONG_KEYS_PER_MINUTE": "300",
}
ANSWERS = {
    "right": {202},
    "again": {202},
    "wrong": {422},
    "broken": {422},
    "other": {202, 409},
    "slow": {202, 429},
    "stranger": {401, 429},
}
"""Which answers each kind of request may get."""


@dataclass(frozen=True)
class Asked:
    body: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str | None
    body: bytes


@dataclass
class Crowd:
    """Clients that send what was drawn, so many at a time."""

    address: str
    keys: dict[str, str]
    drawn: random.Random
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    from_start: int = 0
    run_ids: set[str] = field(default_factory=set)

    def send_all(self, count: int, at_once: int) -> None:
        kinds = self.drawn.choices(list(ANSWERS), [8, 3, 3, 2, 2, 1, 1], k=count)
        drawn = [self.draw(number, kind) for number, kind in enumerate(kinds)]
        shares = [list(zip(kinds, drawn, strict=True))[first::at_once] for first in range(at_once)]
        with ThreadPoolExecutor(at_once) as clients:
            for answers in clients.map(self._send_share, shares):
                for kind, answer in answers:
                    self.note(kind, answer)

    def _send_share(self, share: list[tuple[str, Asked]]) -> list[tuple[str, Answer]]:
        """Send one after the other over one connection, as a client of its own does."""
        # The client of httpx takes longer for a request than the desk does for the answer.
        connection = HTTPConnection(self.address, timeout=120)
        answers = []
        for kind, asked in share:
            connection.request("POST", "/api/v1/runs", asked.body, asked.headers)
            with connection.getresponse() as response:
                answer = Answer(response.status, response.headers["content-type"], response.read())
            answers.append((kind, answer))
        connection.close()
        return answers

    def draw(self, number: int, kind: str) -> Asked:
        user = self.drawn.choice(USERS)
        key = {"slow": "slow", "stranger": "stranger"}.get(kind, user)
        request_key = {"again": f"again-{number % 50}", "other": f"other-{number % 50}"}.get(
            kind, f"key-{number}"
        )
        payload: dict[str, Any] = RUN
        if kind == "wrong":
            payload = {**RUN, "symbol": "GER4O", "end": "2025-04-01"}
        if kind == "other":
            payload = {**RUN, "options": {"max_trades": 1 + self.drawn.randrange(3)}}
        body = json.dumps(payload)
        return Asked(
            body[:-1] if kind == "broken" else body,
            {"Authorization": f"Bearer {self.keys[key]}", "Idempotency-Key": request_key},
        )

    def note(self, kind: str, answer: Answer) -> None:
        self.answers[kind, answer.status] += 1
        if answer.kind == "application/json":
            self.from_start += 1
            self.run_ids |= {json.loads(answer.body)["run_id"]} - {None}
        elif answer.status == 409:
            self.from_start += 1


def ask_over_http(home: Path, count: int, at_once: int) -> tuple[Crowd, float]:
    """Send *count* requests; give what came back, and how many were answered in a second."""
    home.mkdir()
    with serving(home, environment=MANY) as (process, api):
        api.post("/data/simulated", json=MARKET)
        asked = {"name": "crowd", "role": "trader"}
        made: dict[str, dict[str, Any]] = {user: {"user": user, **NO_BOUND} for user in USERS}
        made["slow"] = {"user": "slow", "requests_per_minute": 60}
        keys = {
            name: api.post("/keys", json={**asked, **said}).json()["key"]
            for name, said in made.items()
        }
        keys["stranger"] = f"sdk_{'x' * 43}"
        crowd = Crowd(api.base_url.netloc.decode(), keys, random.Random(SEED))

        begun = perf_counter()
        crowd.send_all(count, at_once)
        rate = count / (perf_counter() - begun)

        assert api.get("/audit/check").json()["whole"]
        turned_away = api.get("/audit/turned-away?limit=100").json()
        process.terminate()
        process.wait(20)
    assert crowd.answers.total() == count
    assert {one for one in crowd.answers if one[1] not in ANSWERS[one[0]]} == set()
    strangers = sum(crowd.answers["stranger", status] for status in (401, 429))
    assert sum(row["count"] for row in turned_away) == strangers
    check_ledger(home, crowd)
    return crowd, rate


def check_ledger(home: Path, crowd: Crowd) -> None:
    """One audit row for each answer of START, and run_ids without a gap."""
    with sqlite3.connect(home / "ledger.db") as ledger:
        rows = ledger.execute("SELECT run_id, outcome, user, door FROM audit_log").fetchall()
        runs = {run_id for (run_id,) in ledger.execute("SELECT run_id FROM run")}
    numbers = sorted(int(run_id.rpartition("_")[2]) for run_id in runs)

    assert len(rows) == crowd.from_start
    assert {user for _, _, user, _ in rows} <= {*USERS, "slow"}
    assert {run_id for run_id, _, _, _ in rows if run_id} == runs == crowd.run_ids
    assert numbers == list(range(1, len(runs) + 1))


def test_a_crowd_over_http_is_answered_and_written_down_one_by_one(tmp_path: Path) -> None:
    crowd, _ = ask_over_http(tmp_path / "home", 400, at_once=50)

    assert {kind for kind, _ in crowd.answers} == set(ANSWERS)


@pytest.mark.faults
def test_ten_thousand_over_http_with_five_hundred_at_a_time(tmp_path: Path) -> None:
    crowd, rate = ask_over_http(tmp_path / "home", 10_000, at_once=500)

    print(f"10,000 requests, 500 at a time, {rate:,.0f}/s: {dict(sorted(crowd.answers.items()))}")
