import json
import random
import re
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis.strategies import (
    binary,
    booleans,
    dictionaries,
    floats,
    integers,
    lists,
    none,
    recursive,
    sampled_from,
    text,
)

from setupdesk.app.hook_desk import MOST_PROBLEMS
from setupdesk.app.live_bounds import MOST_HOOKS
from setupdesk.core.hook import Hook, HookKind
from setupdesk.core.run import REQUEST_KEY
from setupdesk.core.standard_webhooks import sign
from setupdesk.service.hooks import read_fields
from setupdesk.service.strict_json import WrongShapeError
from tests.service.serving import serving

PAYLOAD = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "last": "10d"}
MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
NAMES = sampled_from(["symbol", "options", "extra", "options.rr_target", "at", "x"]) | text()
NESTED = dictionaries(
    NAMES,
    recursive(
        none() | booleans() | integers() | floats() | text(),
        lambda inner: lists(inner, max_size=3) | dictionaries(NAMES, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=5,
)
SOME_HOOK = Hook(
    hook_id="hook_1",
    sha256="",
    name="raids",
    user="ann",
    kind=HookKind.TRADINGVIEW,
    payload={"setup_id": "IB_raid_v1", "options": {"dry_run": True}},
    fields=("symbol", "options.rr_target"),
    senders=(),
    created_at=datetime(2025, 5, 1, tzinfo=UTC),
)
OUT = "out_of_bounds"
TOML = {"Content-Type": "application/toml"}
HOOK = {"name": "raids", "payload": PAYLOAD, "fields": ["symbol", "timeframe", "options.rr_target"]}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path) as client:
        client.post("/data/simulated", json=MARKET)
        yield client


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Give a service that several tests may leave their runs and rows in."""
    with serving(tmp_path_factory.mktemp("home")) as client:
        client.post("/data/simulated", json=MARKET)
        yield client


def add(api: httpx.Client, **said: Any) -> dict[str, Any]:
    answer = api.post("/hooks", json={**HOOK, **said})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def send(api: httpx.Client, token: str, body: str | bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    # TradingView shows no key.
    with httpx.Client(base_url=api.base_url) as outsider:
        return outsider.post(f"/hooks/{token}", content=body, headers=named)


def read_home(home: Path) -> str:
    files = [path for path in home.rglob("*") if path.is_file() and path.suffix != ".key"]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def test_a_user_has_fifty_hooks_at_most_that_are_not_revoked(api: httpx.Client) -> None:
    first, *_ = [add(api)["hook_id"] for _ in range(MOST_HOOKS)]

    refused = api.post("/hooks", json=HOOK)
    other = api.post("/hooks", json=HOOK, headers=make_key(api, "bob", "trader"))
    api.post(f"/hooks/{first}/revoke")
    again = api.post("/hooks", json=HOOK)

    assert refused.status_code == 422
    [problem] = refused.json()["problems"]
    assert problem["code"] == "too_many_hooks"
    assert f"setupdesk hook revoke {first}" in problem["message"]
    assert (other.status_code, again.status_code) == (201, 201)


def test_an_alert_of_tradingview_starts_the_saved_request_with_what_it_names(
    api: httpx.Client,
) -> None:
    made = add(api)
    template = made["template"].replace("{{ticker}}", "GER40").replace("{{interval}}", "15")
    alert = template.replace("{{timenow}}", "2025-06-02T09:00:00Z").replace('"VALUE"', "2.5")

    answer = send(api, made["token"], alert, content_type="application/json; charset=utf-8")
    again = send(api, made["token"], alert)

    assert answer.status_code == 202
    assert (again.status_code, again.content) == (202, answer.content)
    run = api.get(f"/runs/{answer.json()['run_id']}").json()
    assert run["door"] == "webhook"
    assert run["request"]["options"]["rr_target"] == 2.5
    assert run["request"]["timeframe"] == "M15"
    assert made["address"] == f"/api/v1/hooks/{made['token']}"
    assert made["secret"] is None


@pytest.mark.parametrize(
    "body",
    [
        "symbol=GER40 timeframe=15 at=2025-06-02T09:00:00Z",
        "symbol=GER40\r\ntimeframe=M15\noptions.rr_target=2\n",
        '{"symbol": "GER40", "options": {"rr_target": 2}}',
        "",
    ],
)
def test_a_delivery_may_be_words_or_json_or_nothing_at_all(shared: httpx.Client, body: str) -> None:
    answer = send(shared, add(shared)["token"], body, content_type="text/plain; charset=utf-8")

    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ('{"setup_id": "other"}', "setup_id", "unknown_key"),
        ('{"symbol": ["GER40"]}', "symbol", "wrong_type"),
        ('{"symbol": "GER4O"}', "symbol", "unknown_symbol"),
        ("options.rr_target=1e400", "options.rr_target", "out_of_bounds"),
        ("symbol=GER40 symbol=NAS100", "", "wrong_shape"),
        ('{"options.rr_target": 1, "options": {"rr_target": 2}}', "", "wrong_shape"),
        ("GER40 broke out", "", "wrong_shape"),
        ("=GER40", "", "wrong_shape"),
        ('["symbol"]', "", "wrong_shape"),
        ('{"symbol": NaN}', "", "wrong_shape"),
        ('{"a":' * 30 + "1" + "}" * 30, "", "wrong_shape"),
        (b"\xff\xfe", "", "wrong_shape"),
        (b'{"symbol": "\\ud800"}', "symbol", "unknown_symbol"),
        (b"symbol=\x00", "symbol", "unknown_symbol"),
    ],
)
def test_a_wrong_delivery_is_refused_with_its_problem_and_an_audit_row(
    shared: httpx.Client, body: str | bytes, field: str, code: str
) -> None:
    made = add(shared)

    answer = send(shared, made["token"], body)

    assert answer.status_code == 422
    assert (field, code) in {(one["field"], one["code"]) for one in answer.json()["problems"]}
    row = shared.get("/audit").json()[0]
    assert (row["outcome"], row["door"]) == ("refused", "webhook")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"symbol": "GER40", "nonsense": "x" * 15_000}),
        json.dumps({"symbol": "GER40", "nonsense": [["x" * 50]] * 250}),
        "symbol=GER40 " + " ".join(f"n{number}=1" for number in range(1_500)),
    ],
)
def test_of_a_long_delivery_that_is_refused_little_is_kept(shared: httpx.Client, body: str) -> None:
    made = add(shared)

    assert send(shared, made["token"], body).status_code == 422

    row = shared.get("/audit").json()[0]
    kept = row["payload"]["delivered"]
    assert kept["beginning"]["symbol"] == "GER40"
    assert re.fullmatch("[0-9a-f]{64}", kept["sha256"])
    assert len(row["problems"]) <= MOST_PROBLEMS
    assert len(json.dumps(row)) < 10_000


def test_a_delivery_of_more_than_16_kib_is_not_read(shared: httpx.Client) -> None:
    token = add(shared)["token"]

    fits = send(shared, token, "symbol=GER40" + " " * (16_384 - 12))
    too_long = send(shared, token, "symbol=GER40" + " " * (16_385 - 12))

    assert fits.status_code == 202
    assert too_long.status_code == 413
    assert too_long.headers["content-type"] == "application/problem+json"


def test_a_hook_that_is_not_known_or_revoked_is_a_404_that_leaves_no_row(
    api: httpx.Client,
) -> None:
    made = add(api)

    assert api.post(f"/hooks/{made['hook_id']}/revoke").json()["revoked_at"]
    assert api.post(f"/hooks/{made['hook_id']}/revoke").status_code == 200
    answers = [send(api, token, "") for token in (made["token"], "x", "é%00", made["hook_id"])]

    assert {answer.status_code for answer in answers} == {404}
    assert made["token"] not in answers[0].text
    assert api.get("/audit").json() == []
    assert api.post("/hooks/hook_none/revoke").status_code == 404


def test_a_sender_that_the_hook_does_not_name_is_refused(api: httpx.Client) -> None:
    answer = send(api, add(api, senders=["52.89.214.238"])["token"], "symbol=GER40")
    admitted = send(api, add(api, senders=["127.0.0.0/8"])["token"], "symbol=GER40")

    assert (answer.status_code, answer.json()["title"]) == (403, "wrong_sender")
    assert admitted.status_code == 202
    assert len(api.get("/audit").json()) == 1


def test_the_log_says_who_made_and_revoked_hooks_channels_bars_rules_and_symbols(
    api: httpx.Client, tmp_path: Path
) -> None:
    ann = make_key(api, "ann", "admin")
    hook_id = api.post("/hooks", json=HOOK, headers=ann).json()["hook_id"]
    said = {"name": "n8n", "url": "https://93.184.216.34/hidden", "events": ["alert"]}
    channel_id = api.post("/channels", json=said, headers=ann).json()["channel_id"]
    for _ in range(2):
        api.post(f"/hooks/{hook_id}/revoke", headers=ann)
        api.post(f"/channels/{channel_id}/revoke", headers=ann)
    symbol = 'name = "MINE"\nextends = "GER40"\n'
    for _ in range(2):
        assert api.post("/symbols", content=symbol, headers=ann | TOML).is_success
    bars = api.get("/data/GER40/M1/export").content
    query = {"symbol": "GER40", "timeframe": "M1", "file_name": "a.csv", "replace": "true"}
    assert api.post("/data/import", params=query, content=bars, headers=ann).is_success
    assert api.delete("/data/GER40/M1", headers=ann).is_success

    lines = (tmp_path / "logs/service.jsonl").read_text().splitlines()
    deeds = [one for one in map(json.loads, lines) if one.get("user") == "ann"]

    made, revoked = ("hook made", "channel made"), ("hook revoked", "channel revoked")
    data = ("symbol added", "symbol replaced", "bars replaced", "bars deleted")
    assert [one["event"] for one in deeds] == [*made, *revoked, *data]
    assert deeds[0]["hook_id"] == hook_id
    assert deeds[1]["channel_id"] == channel_id
    assert deeds[-1]["symbol"] == "GER40"


def test_the_token_is_kept_nowhere_and_shown_once(api: httpx.Client, tmp_path: Path) -> None:
    made, signed = add(api), add(api, kind="standard")
    token = made["token"]
    for body in ("symbol=GER40", f"note={token}", f'{{"{token}": 1}}', f"symbol={token}"):
        send(api, token, body)
    send(api, token, "x" * 20_000)
    listed = api.get("/hooks").text + api.get("/audit").text
    api.post(f"/hooks/{made['hook_id']}/revoke")
    send(api, token, "")

    kept = listed + read_home(tmp_path)
    assert token not in kept
    assert signed["token"] not in kept
    assert signed["secret"] not in kept
    assert made["hook_id"] in kept


def test_a_bug_logs_the_route_and_not_the_token(api: httpx.Client, tmp_path: Path) -> None:
    token = add(api)["token"]
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        ledger.execute("UPDATE hook SET senders = '[1.5]'")

    answer = send(api, token, "symbol=GER40")

    assert (answer.status_code, answer.json()["title"]) == (500, "bug")
    logged = read_home(tmp_path / "logs")
    assert "a bug at POST /hooks/{token}" in logged
    assert token not in logged


def test_a_thousand_deliveries_of_a_hundred_alerts_make_a_hundred_runs(
    api: httpx.Client, tmp_path: Path
) -> None:
    token = add(api)["token"]
    alerts = [
        json.dumps({"symbol": "GER40", "at": f"2025-06-02T09:{n // 60:02}:{n % 60:02}Z"})
        for n in range(100)
    ]
    deliveries = alerts * 10
    random.Random(6).shuffle(deliveries)  # noqa: S311 (an order, and no secret)

    with (
        httpx.Client(base_url=api.base_url) as outsider,
        ThreadPoolExecutor(32) as senders,
    ):
        answers = list(
            senders.map(lambda alert: outsider.post(f"/hooks/{token}", content=alert), deliveries)
        )

    assert {answer.status_code for answer in answers} == {202}
    by_alert: dict[str, set[str]] = {}
    for alert, answer in zip(deliveries, answers, strict=True):
        by_alert.setdefault(alert, set()).add(answer.json()["run_id"])
    assert len(by_alert) == 100
    assert all(len(run_ids) == 1 for run_ids in by_alert.values())
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        runs = {run_id for (run_id,) in ledger.execute("SELECT run_id FROM run")}
        outcomes = dict(ledger.execute("SELECT outcome, COUNT(*) FROM audit_log GROUP BY outcome"))
    assert runs == set.union(*by_alert.values())
    assert len(runs) == 100
    assert outcomes == {"accepted": 100, "replayed": 900}


def test_a_full_queue_asks_to_come_again_and_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / "setupdesk.toml").write_text("most_waiting = 1\n")
    with serving(tmp_path) as api:
        api.post("/data/simulated", json=MARKET)
        token = add(api)["token"]
        first = send(api, token, "symbol=GER40 at=1")

        full = send(api, token, "symbol=GER40 at=2")
        api.post(f"/runs/{first.json()['run_id']}/cancel")
        again = send(api, token, "symbol=GER40 at=2")

    assert (full.status_code, full.json()["problems"][0]["code"]) == (429, "queue_full")
    assert full.headers["retry-after"]
    assert again.status_code == 202


def sign_delivery(secret: str, message_id: str, timestamp: int, body: str) -> dict[str, str]:
    import base64

    key = base64.b64decode(secret.removeprefix("whsec_"))
    return {
        "webhook_id": message_id,
        "webhook_timestamp": str(timestamp),
        "webhook_signature": f"v1,old {sign(key, message_id, timestamp, body.encode())}",
    }


def test_a_standard_webhook_has_to_be_signed_and_is_known_by_its_id(api: httpx.Client) -> None:
    made = add(api, kind="standard")
    token, body, now = made["token"], '{"symbol": "GER40"}', int(time.time())  # noqa: TID251
    signed = sign_delivery(made["secret"], "msg_1", now, body)

    first = send(api, token, body, **signed)
    resent = send(api, token, body, **sign_delivery(made["secret"], "msg_1", now - 60, body))
    other = '{"symbol": "GER40", "timeframe": "M15", "options.rr_target": 3}'
    conflict = send(api, token, other, **sign_delivery(made["secret"], "msg_1", now, other))
    wrong = [
        send(api, token, body),
        send(api, token, body + " ", **signed),
        send(api, token, body, **{**signed, "webhook_id": "msg_2"}),
        send(api, token, body, **sign_delivery(made["secret"], "msg_3", now - 400, body)),
        send(
            api, token, body, **sign_delivery(add(api, kind="standard")["secret"], "m", now, body)
        ),
    ]

    assert (first.status_code, resent.content) == (202, first.content)
    assert conflict.status_code == 409
    assert {(one.status_code, one.json()["title"]) for one in wrong} == {(401, "wrong_signature")}
    assert len(api.get("/audit").json()) == 3


@pytest.mark.parametrize(
    ("said", "field", "code"),
    [
        ({"payload": {**PAYLOAD, "symbol": "GER4O"}}, "payload.symbol", "unknown_symbol"),
        ({"payload": {"setup_id": "IB_raid_v1"}}, "payload.start", "missing"),
        ({"payload": {**PAYLOAD, "options": {"rr_target": 0}}}, "payload.options.rr_target", OUT),
        ({"fields": ["symbl"]}, "symbl", "unknown_key"),
        ({"fields": ["extra.nothing"]}, "extra.nothing", "unknown_key"),
        ({"fields": ["at"]}, "at", "unknown_key"),
        ({"senders": ["tradingview.com"]}, "senders", "wrong_sender"),
        ({"kind": "slack"}, "body.kind", "enum"),
        ({"name": ""}, "body.name", "string_too_short"),
    ],
)
def test_a_hook_is_checked_when_it_is_made(
    shared: httpx.Client, said: dict[str, Any], field: str, code: str
) -> None:
    before = shared.get("/hooks").json()

    answer = shared.post("/hooks", json={**HOOK, **said})

    assert answer.status_code == 422
    found = {(one["field"], one["code"]) for one in answer.json()["problems"]}
    assert (field, code) in found
    assert shared.get("/hooks").json() == before


def test_a_saved_request_may_lack_what_its_deliveries_set(shared: httpx.Client) -> None:
    partly = {name: value for name, value in PAYLOAD.items() if name != "symbol"}
    token = add(shared, payload=partly)["token"]

    whole = send(shared, token, "symbol=GER40")
    lacking = send(shared, token, "timeframe=M15")

    assert whole.status_code == 202
    assert lacking.json()["problems"][0]["code"] == "missing"


def test_a_hook_ends_with_the_key_that_made_it_when_that_is_revoked(shared: httpx.Client) -> None:
    wanted = {"name": "leaked", "user": "anna", "role": "trader"}
    made = shared.post("/keys", json=wanted).json()
    asked = {"name": "tv", "payload": PAYLOAD, "fields": ["symbol"]}
    headers = {"Authorization": f"Bearer {made['key']}"}
    hook = shared.post("/hooks", json=asked, headers=headers).json()
    other = add(shared)["token"]
    before = send(shared, hook["token"], "symbol=GER40")

    revoked = shared.post(f"/keys/{made['key_id']}/revoke").json()

    assert before.status_code == 202
    assert revoked["hooks"] == [hook["hook_id"]]
    assert send(shared, hook["token"], "symbol=GER40").status_code == 404
    assert send(shared, other, "symbol=GER40").status_code != 404
    assert shared.post(f"/keys/{made['key_id']}/revoke").json() == {**revoked, "hooks": []}


def test_words_and_json_say_the_same() -> None:
    words = read_fields(b" symbol=GER40\n extra.min_rr=2 ")
    nested = read_fields(b'{"symbol": "GER40", "extra": {"min_rr": "2"}}')

    assert words == nested
    assert words == {"symbol": "GER40", "extra.min_rr": "2"}


@given(binary(max_size=200) | text().map(str.encode) | NESTED.map(json.dumps).map(str.encode))
def test_whatever_is_delivered_is_read_or_refused_in_words(body: bytes) -> None:
    said: dict[str, Any] = {}
    with suppress(WrongShapeError):
        said = read_fields(body)

    if not SOME_HOOK.find_problems(said):
        assert set(said) <= {*SOME_HOOK.fields, "at"}
        json.dumps(SOME_HOOK.build_payload(said))
        assert REQUEST_KEY.fullmatch(SOME_HOOK.identify(said, SOME_HOOK.created_at))


def make_key(api: httpx.Client, user: str, role: str) -> dict[str, str]:
    said = {"name": "test", "user": user, "role": role}
    return {"Authorization": f"Bearer {api.post('/keys', json=said).json()['key']}"}


def test_a_hook_is_there_for_its_owner_and_an_admin_only(api: httpx.Client) -> None:
    anna, bob = make_key(api, "anna", "trader"), make_key(api, "bob", "trader")
    viewer = make_key(api, "anna", "viewer")
    made = api.post("/hooks", json=HOOK, headers=anna).json()
    path = f"/hooks/{made['hook_id']}/revoke"

    run = send(api, made["token"], "").json()

    assert run["user"] == "anna"
    assert api.get("/hooks", headers=bob).json() == []
    assert api.post(path, headers=bob).status_code == 404
    assert api.post(path, headers=viewer).status_code == 403
    assert api.post("/hooks", json=HOOK, headers=viewer).status_code == 403
    assert len(api.get("/hooks", headers=viewer).json()) == 1
    assert len(api.get("/hooks").json()) == 1
    assert api.post(path, headers=anna).status_code == 200


def test_the_quota_of_the_key_that_made_a_hook_bounds_what_it_starts(api: httpx.Client) -> None:
    said = {"name": "test", "user": "anna", "role": "trader", "most_waiting": 1}
    key = api.post("/keys", json=said).json()
    made = api.post("/hooks", json=HOOK, headers={"Authorization": f"Bearer {key['key']}"}).json()

    first = send(api, made["token"], "symbol=GER40 at=1")
    second = send(api, made["token"], "symbol=GER40 at=2")

    assert (first.status_code, second.status_code) == (202, 429)
    assert api.get(f"/runs/{first.json()['run_id']}").json()["key_id"] == key["key_id"]


def test_strangers_are_counted_without_their_token(api: httpx.Client) -> None:
    for token in ("a" * 43, "b" * 43, "c" * 43):
        send(api, token, "symbol=GER40")

    counted = api.get("/audit/turned-away").json()

    assert [(one["reason"], one["count"]) for one in counted] == [("unknown_hook", 3)]
    assert "aaa" not in str(counted)
