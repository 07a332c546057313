"""Canaries: secrets of every kind, sent to every route, at every place where one may slip in."""

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.serving import MANY_WRONG_KEYS, serving

DESCRIBED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs/openapi.json").read_text()
)
OPERATIONS = [
    (method.upper(), path)
    for path, operations in DESCRIBED["paths"].items()
    for method in operations
    if not path.endswith("/events")
]
BIRD = "Canary7Canary7Canary7Canary7Canary7Canary7C"
"""In all of them, and nowhere else."""

KEY, SIGNATURE_KEY = f"sdk_{BIRD}", f"whsec_{BIRD}"
PLACES: dict[str, dict[str, Any]] = {
    "a wrong key": {"headers": {"Authorization": f"Bearer {KEY}"}},
    "another scheme": {"headers": {"Authorization": f"Basic {BIRD}"}},
    "the query": {"params": {"api_key": KEY, "token": BIRD, "search": KEY, "user": KEY}},
    "the body": {
        "json": {
            "password": BIRD,
            "setup_id": KEY,
            "name": SIGNATURE_KEY,
            "extra": {"api_key": BIRD, "note": f"Authorization: Bearer {BIRD}"},
        }
    },
    "a body that is none": {"content": f'{{"token": "{BIRD}", "other": {KEY}'},
    "the key of a request": {"headers": {"Idempotency-Key": KEY}, "json": {}},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[httpx.Client]:
    with serving(home, MANY_WRONG_KEYS) as client:
        yield client


def list_files(home: Path) -> list[Path]:
    return [file for file in home.rglob("*") if file.is_file()]


@pytest.mark.parametrize("place", PLACES)
def test_no_answer_repeats_a_secret(api: httpx.Client, place: str) -> None:
    origin = str(api.base_url).removesuffix("/api/v1/")
    for method, path in OPERATIONS:
        for filling in ("nothing", KEY):
            # The token of a hook is a secret without a mark; elsewhere a name is no secret.
            filled = re.sub(r"\{\w+\}", filling, path.replace("{token}", BIRD))
            answer = api.request(method, f"{origin}{filled}", **PLACES[place])

            assert BIRD not in answer.text, (method, filled, answer.status_code)
            assert BIRD not in str(answer.headers)


def test_no_file_of_the_desk_has_a_secret_that_was_sent(api: httpx.Client, home: Path) -> None:
    api.post("/runs", **PLACES["the body"])
    api.post("/runs", json={"symbol": "GER40", "password": BIRD})
    shown = [api.get(path).text for path in ("/audit?limit=1000", "/audit/turned-away", "/runs")]

    assert '"password":"***"' in shown[0].replace(" ", "")
    assert not [one for one in shown if BIRD in one]
    assert [file for file in list_files(home) if file.name == "ledger.db"]
    assert not [file for file in list_files(home) if BIRD.encode() in file.read_bytes()]


def test_the_secrets_of_the_desk_are_where_they_belong_and_nowhere_else(
    api: httpx.Client, home: Path
) -> None:
    key = api.post("/keys", json={"name": "a", "user": "a", "role": "trader"}).json()["key"]
    market = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
    api.post("/data/simulated", json=market)
    saved = {
        "setup_id": "IB_raid_v1",
        "symbol": "GER40",
        "timeframe": "M15",
        "start": "2025-05-01",
        "end": "2025-05-30",
    }
    hook = api.post("/hooks", json={"name": "tv", "payload": saved}).json()
    signed = api.post("/hooks", json={"name": "s", "kind": "standard", "payload": saved}).json()
    channel = {"name": "c", "url": f"https://user:{BIRD}@93.184.216.34/{BIRD}", "events": ["alert"]}
    api.post("/channels", json=channel)
    for token in (hook["token"], signed["token"], hook["token"][:-1]):
        httpx.post(f"{api.base_url}hooks/{token}", content=f"symbol=GER40 note={token}")
        httpx.get(f"{api.base_url}hooks/{token}")
    httpx.get(f"{api.base_url}runs", headers={"Authorization": f"Bearer {key}"})
    secrets = [key, hook["token"], signed["token"], signed["secret"]]

    files = list_files(home)
    with sqlite3.connect(home / "ledger.db") as ledger:
        ledger.execute("PRAGMA wal_checkpoint")
        urls = {url for (url,) in ledger.execute("SELECT url FROM channel")}
        audit = str(ledger.execute("SELECT * FROM audit_log").fetchall())
    for secret in secrets:
        assert not [file for file in files if secret.encode() in file.read_bytes()], secret
        assert secret[6:] not in audit
    for path in ("/keys", "/hooks", "/channels", "/notifications", "/audit?limit=1000"):
        shown = api.get(path).text
        assert not [secret for secret in (*secrets, BIRD) if secret in shown]
    kept_for_sending = {file.name for file in files if BIRD.encode() in file.read_bytes()}
    assert kept_for_sending <= {"ledger.db", "ledger.db-wal"}
    assert urls <= {channel["url"]}
