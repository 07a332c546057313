import json
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.client import Client, DeskAnswerError
from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from setupdesk.setups.template import fill_template
from setupdesk.wiring.desk import build_desk
from setupdesk.wiring.running import build_journal
from tests.adapters.vendor_files import zipped
from tests.service.serving import serving

PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-05-30",
}
PROBLEM = "application/problem+json"
MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path) as client:
        yield client


@pytest.fixture
def stray_report(tmp_path: Path) -> Path:
    report = tmp_path / "runs" / "run_2025_01_01_001" / "report.json"
    report.parent.mkdir(parents=True)
    report.write_text("{}")
    return report


def test_what_the_desk_put_right_at_its_start_can_be_asked_for(
    stray_report: Path, api: httpx.Client
) -> None:
    deadline = time.monotonic() + 10
    while not (repairs := api.get("/repairs").json()):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    [repair] = repairs
    assert repair["run_id"] == "run_2025_01_01_001"
    assert repair["finding"] == "it has no row in the ledger, and there is a report"
    assert repair["deed"] == "the report is set aside as report.stray.json"
    assert not stray_report.exists()


def ask(api: httpx.Client, payload: dict[str, Any]) -> Any:
    return api.post("/runs", json=payload).json()


def test_a_request_is_accepted_while_prefect_is_down_and_waits(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)

    answer = api.post("/runs", json=PAYLOAD)

    assert answer.status_code == 202
    receipt = answer.json()
    assert answer.headers["location"] == f"/api/v1/runs/{receipt['run_id']}"
    assert receipt["door"] == "api"
    assert api.get(f"/runs/{receipt['run_id']}").json()["state"] == "queued"
    assert api.get(f"/runs/{receipt['run_id']}/result").status_code == 409


def test_a_request_that_is_sent_again_is_answered_byte_for_byte(api: httpx.Client) -> None:
    refused = api.post("/runs", json=PAYLOAD, headers={"Idempotency-Key": "early"})
    api.post("/data/simulated", json=MARKET)
    key = {"Idempotency-Key": "a-key"}

    first = api.post("/runs", json=PAYLOAD, headers=key)
    api.post(f"/runs/{first.json()['run_id']}/cancel")
    again = api.post("/runs", json=dict(reversed(PAYLOAD.items())), headers=key)
    still_refused = api.post("/runs", json=PAYLOAD, headers={"Idempotency-Key": "early"})

    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.headers["location"] == again.headers["location"]
    assert (refused.status_code, refused.content) == (422, still_refused.content)
    assert len(api.get("/runs").json()["runs"]) == 1
    outcomes = [row["outcome"] for row in api.get("/audit").json()]
    assert outcomes == ["replayed", "replayed", "accepted", "refused"]


def test_a_key_of_another_request_is_a_conflict(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    key = {"Idempotency-Key": "a-key"}
    api.post("/runs", json=PAYLOAD, headers=key)

    answer = api.post("/runs", json=PAYLOAD | {"end": "2025-05-20"}, headers=key)

    assert (answer.status_code, answer.json()["title"]) == (409, "key_conflict")
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(api.get("/runs").json()["runs"]) == 1


@pytest.mark.parametrize("key", ["", "with space", "x" * 201])
def test_a_key_that_is_none_is_refused_with_an_audit_row(api: httpx.Client, key: str) -> None:
    answer = api.post("/runs", json=PAYLOAD, headers={"Idempotency-Key": key})

    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "header.Idempotency-Key"
    [row] = api.get("/audit").json()
    assert (row["outcome"], row["payload"], row["idempotency_key"]) == ("refused", PAYLOAD, None)


def test_a_request_is_judged_by_the_times_of_the_bars_alone(
    api: httpx.Client, tmp_path: Path
) -> None:
    api.post("/data/simulated", json=MARKET)
    [prices] = tmp_path.glob("bars/GER40/M1/*/close.npy")
    prices.unlink()

    accepted = api.post("/runs", json=PAYLOAD)
    weekend = api.post("/runs", json=PAYLOAD | {"start": "2025-05-03", "end": "2025-05-04"})

    assert accepted.status_code == 202
    assert weekend.json()["problems"][0]["code"] == "no_sessions"
    assert not prices.exists()


def test_a_report_is_served_as_a_page_to_who_has_the_key(tmp_path: Path, api: httpx.Client) -> None:
    home = load_settings({"SETUPDESK_HOME": str(tmp_path)})
    api.post("/data/simulated", json=MARKET | {"start": "2024-10-01"})
    run_id = open_inline(home, Door.CLI).ask(PAYLOAD | {"mode": "backtest"})["run_id"]

    answer = api.get(f"/runs/{run_id}/report.html")

    address = str(api.base_url).removesuffix("/api/v1/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    with Client(address, "the-key") as client:
        assert client.report_page(run_id) == answer.text
        check_parts(client, run_id)
        with pytest.raises(DeskAnswerError, match="There is no run"):
            client.report_page("run_2025_10_31_999")


def check_parts(client: Client, run_id: str) -> None:
    report = client.result(run_id)
    equity, signals, evidence = (
        client.equity(run_id),
        client.signals(run_id),
        client.evidence(run_id),
    )

    assert [point["r"] for point in equity] == [point["r"] for point in report["equity"]]
    deepest = max(point["drawdown_r"] for point in equity)
    assert deepest == pytest.approx(report["statistics"]["max_drawdown_r"])
    assert len(signals) == len(evidence) == len(report["candidates"]) > len(equity) > 0
    assert "evidence" not in signals[0]
    traded = [one["candidate"] for one in evidence if one["verdict"] == "traded"]
    assert traded == [one["number"] for one in signals if not one["detail"]]
    for one in evidence:
        met = [condition["met"] for condition in one["conditions"]]
        assert met[:-1] == [True] * (len(met) - 1)
        assert met[-1] == (one["verdict"] == "traded")
    assert client.evidence(run_id, 2) == evidence[1:2]
    for none in (0, len(evidence) + 1):
        with pytest.raises(DeskAnswerError):
            client.evidence(run_id, none)


def test_a_door_is_what_it_says_unless_it_claims_to_be_one_of_the_desks_own(
    api: httpx.Client,
) -> None:
    for claimed, door in (("cli", "cli"), ("ui", "ui"), ("scheduler", "api"), ("junk", "api")):
        answer = api.post("/runs", json={}, headers={"Setupdesk-Door": claimed})

        assert answer.json()["door"] == door


def test_a_refused_request_is_a_receipt_with_its_problems(api: httpx.Client) -> None:
    answer = api.post("/runs", json=PAYLOAD | {"symbol": "GER4O"})

    assert answer.status_code == 422
    assert answer.json()["status"] == "refused"
    assert answer.json()["problems"][0]["suggestion"] == "GER40"


def test_the_queue_says_what_each_run_waits_for(tmp_path: Path, api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    run_id = ask(api, PAYLOAD | {"mode": "backtest"})["run_id"]
    deadline = time.monotonic() + 10
    while not api.get(f"/runs/{run_id}").json()["waits_for"].startswith("Prefect"):
        assert time.monotonic() < deadline

    [waiting] = api.get("/queue").json()["waiting"]

    assert (waiting["run_id"], waiting["priority"]) == (run_id, "manual")
    assert waiting["waits_for"]["code"] == "unreachable"
    assert api.get("/queue?limit=0").status_code == 422
    inline = open_inline(load_settings({"SETUPDESK_HOME": str(tmp_path)}), Door.CLI)
    assert inline.queue(5)["waiting"][0]["waits_for"]["code"] == "no_desk"


def test_the_turn_of_a_waiting_run_is_changed_and_its_log_says_by_whom(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    first, second = (ask(api, PAYLOAD | {"mode": "backtest"})["run_id"] for _ in range(2))
    cli = {"Setupdesk-Door": "cli"}

    answer = api.patch(f"/runs/{second}", json={"priority": "live"}, headers=cli)

    assert answer.json() == {
        "run_id": second,
        "priority": "live",
        "earlier": {"priority": "manual"},
    }
    assert [run["run_id"] for run in api.get("/queue").json()["waiting"]] == [second, first]
    accepted, changed = api.get(f"/runs/{second}/logs").json()
    assert (accepted["event"], accepted["door"]) == ("request accepted", "api")
    assert changed["event"] == "priority changed"
    assert (changed["now"], changed["earlier"]) == ("live", "manual")
    assert (changed["user"], changed["door"]) == (accepted["user"], "cli")
    for wrong in ({"priority": "urgent"}, {"state": "completed"}, {}):
        assert api.patch(f"/runs/{second}", json=wrong).status_code == 422
    api.post(f"/runs/{second}/cancel")
    assert api.patch(f"/runs/{second}", json={"priority": "live"}).json()["title"] == "not_waiting"


def test_a_full_queue_answers_at_once_that_it_is_full(tmp_path: Path, api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    payload = PAYLOAD | {"mode": "backtest"}
    with sqlite3.connect(tmp_path / "ledger.db", isolation_level=None) as ledger:
        first = ask(api, payload)["run_id"]
        ledger.execute(
            "INSERT INTO run (run_id, flow_type, state, request, user, door, accepted_at) "
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
            "SELECT 'run_2024_01_01_' || i, flow_type, state, request, user, door, accepted_at "
            "FROM n, run WHERE run_id = ?",
            (first,),
        )
        ledger.execute(
            "INSERT INTO outbox (run_id, kind, created_at, due_at, attempts) "
            "SELECT run_id, 'start', accepted_at, accepted_at, 0 FROM run WHERE run_id != ?",
            (first,),
        )

    answer = api.post("/runs", json=payload)

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["status"] == "refused"
    assert answer.json()["problems"][0]["code"] == "too_many_waiting"
    assert api.get("/audit").json()[0]["outcome"] == "refused"
    assert api.get("/queue").json()["waiting_count"] == 200
    api.post(f"/runs/{first}/cancel")
    assert api.post("/runs", json=payload).status_code == 202


def test_a_request_is_validated_without_a_trace(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)

    good = api.post("/runs/validate", json=PAYLOAD)
    half = json.dumps(PAYLOAD | {"symbol": "GER4O", "timeframe": "\ud800"})
    bad = api.post("/runs/validate", content=half)
    none = api.post("/runs/validate", content=b"{")

    assert good.status_code == 200
    assert {"request", "flow_type", "plan", "coverage", "queue"} == set(good.json())
    assert bad.status_code == none.status_code == 422
    assert bad.headers["content-type"] == none.headers["content-type"] == PROBLEM
    assert [one["field"] for one in bad.json()["problems"]] == ["symbol", "timeframe"]
    assert bad.json()["problems"][0]["suggestion"] == "GER40"
    assert none.json()["problems"][0]["code"] == "wrong_shape"
    assert api.get("/audit").json() == []
    assert api.get("/runs").json()["runs"] == []


def test_health_has_a_bare_word_for_all_and_each_check_for_the_key(api: httpx.Client) -> None:
    address = f"{api.base_url}health"

    bare, full = httpx.get(address), api.get("/health")
    wrong = api.get("/health", headers={"Authorization": "Bearer other"})

    assert bare.status_code == full.status_code == 503
    assert bare.headers["content-type"] == full.headers["content-type"] == PROBLEM
    assert bare.json()["title"] == "unwell"
    assert bare.json()["detail"] == "Not well: prefect answers, executor answers."
    assert "checks" not in bare.json()
    assert {"ledger", "errands"} < {one["check"] for one in full.json()["checks"]}
    assert wrong.status_code == 401


def test_runs_are_found_by_their_filters_a_page_at_a_time(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    first, second, third = (ask(api, PAYLOAD)["run_id"] for _ in range(3))
    api.post(f"/runs/{second}/cancel")
    wanted: dict[str, str | int] = {"state": "queued", "symbol": "de40", "limit": 1}

    page = api.get("/runs", params=wanted).json()
    rest = api.get("/runs", params=wanted | {"cursor": page["next_cursor"]}).json()

    assert [run["run_id"] for run in page["runs"] + rest["runs"]] == [third, first]
    assert rest["next_cursor"] is None
    either = api.get("/runs?state=queued&state=cancelled&limit=2").json()
    assert [run["run_id"] for run in either["runs"]] == [third, second]


def test_a_filter_that_does_not_exist_is_refused_and_not_ignored(api: httpx.Client) -> None:
    for wrong, field in (
        ({"status": "failed"}, "query.status"),
        ({"state": "faild"}, "state"),
        ({"cursor": "of mine"}, "cursor"),
    ):
        answer = api.get("/runs", params=wrong)

        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert [problem["field"] for problem in answer.json()["problems"]] == [field]


def test_a_waiting_run_is_cancelled_at_once(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    run_id = ask(api, PAYLOAD)["run_id"]

    answer = api.post(f"/runs/{run_id}/cancel")

    assert answer.status_code == 202
    assert answer.json()["state"] == "cancelled"
    assert api.get(f"/runs/{run_id}").json()["reason"] == "cancelled before it started"
    assert api.get("/queue").json()["waiting"] == []


def test_without_a_desk_a_run_whose_executor_is_gone_is_cancelled_at_once(tmp_path: Path) -> None:
    home = load_settings({"SETUPDESK_HOME": str(tmp_path)})
    inline = open_inline(home, Door.CLI)
    inline.simulate_bars(MARKET)
    desk = build_desk(home, hands_over=True)
    run_id = desk.start(PAYLOAD | {"mode": "backtest"}, user="ann", door=Door.CLI).run_id
    assert run_id
    build_journal(home, "executor 1").begin(run_id)

    answer = inline.cancel(run_id)

    assert answer["state"] == "cancelled"
    assert inline.run(run_id)["state"] == "cancelled"
    assert inline.cancel(run_id)["state"] == "cancelled"
    desk.close()
    inline.desk.close()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/runs/run_2025_10_31_999", 404),
        ("GET", "/runs/run_2025_10_31_999/trades", 404),
        ("GET", "/runs/run_2025_10_31_999/report.html", 404),
        ("GET", "/runs/run_2025_10_31_999/logs", 404),
        ("POST", "/runs/run_2025_10_31_999/cancel", 404),
        ("PATCH", "/runs/run_2025_10_31_999", 404),
        ("GET", "/runs/..%2F..%2Fapi.key/logs", 404),
        ("GET", "/setups/IB_raid_v9", 404),
        ("GET", "/runs?limit=0", 422),
        ("GET", "/nothing", 404),
        ("POST", "/data/import?symbol=GER4O&timeframe=M15&file_name=a.csv", 404),
        ("POST", "/data/import?symbol=GER40&timeframe=M7&file_name=a.csv", 404),
        ("POST", "/data/import?symbol=DE40&timeframe=M15&file_name=a.csv", 422),
        ("POST", "/data/import?symbol=GER40", 422),
        ("POST", "/data/simulated", 422),
        ("GET", "/data/GER40/M15", 404),
        ("GET", "/data/GER40/M7", 404),
        ("GET", "/data/GER40/quality", 404),
        ("GET", "/data/GER4O/quality", 404),
        ("GET", "/data/GER40/M15/export", 404),
        ("GET", "/data/GER40/M15/export?form=xls", 422),
        ("GET", "/data/GER40/M15/levels", 404),
        ("GET", "/data/GER40/M15/levels?window=lunch", 422),
        ("GET", "/data/GER40/H4/levels", 422),
        ("DELETE", "/data/GER40/M15", 404),
        ("DELETE", "/runs", 405),
    ],
)
def test_every_error_has_one_shape(api: httpx.Client, method: str, path: str, status: int) -> None:
    answer = api.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "problems"} == set(answer.json())
    assert "Traceback" not in answer.text


NO_PAYLOADS = {
    "": "was not JSON",
    "{": "was not JSON",
    '{"start": NaN}': "the number NaN, which is not finite",
    '{"start": 1e999}': "the number 1e999, which is not finite",
    '{"start": 9007199254740993}': "the whole number 9007199254740993, which is beyond 2^53",
    '{"start": -%s}' % ("9" * 5_000): "beyond 2^53",
    '{"extra": {"a": 1, "a": 1}}': "the name 'a' twice in one object",
    "\x00\xff": "was not JSON",
    "[]": "was a list",
    "5": "was a number",
    "5.5": "was a number",
    "true": "was a truth value",
    "null": "was null",
    '"GER40"': "was a text",
    "[" * 9_999: "was not JSON",
    '{"a": ' * 6 + "1" + "}" * 6: "more than 5 levels",
    '{"a": "' + "x" * 16_376 + '"}': "longer than 16,384 bytes",
}


@pytest.mark.parametrize("body", NO_PAYLOADS, ids=lambda body: body[:8] or "nothing")
def test_a_body_that_is_no_payload_is_refused_with_an_audit_row(
    api: httpx.Client, body: str
) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    answer, again = (
        api.post("/runs", content=body.encode("latin-1"), headers=headers) for _ in range(2)
    )

    assert (answer.status_code, answer.json()["status"]) == (422, "refused")
    [problem] = answer.json()["problems"]
    assert problem["code"] == "wrong_shape"
    assert NO_PAYLOADS[body] in problem["message"]
    assert again.content == answer.content
    assert len(answer.content) < 5_000
    assert [row["outcome"] for row in api.get("/audit").json()] == ["replayed", "refused"]
    assert api.get("/audit/check").json()["whole"]
    assert api.get("/runs").json() == {"runs": [], "next_cursor": None}


def test_the_description_of_the_api_tells_of_payload_and_key(api: httpx.Client) -> None:
    asked = api.get("/openapi.json").json()["paths"]["/api/v1/runs"]["post"]

    assert "application/json" in asked["requestBody"]["content"]
    assert "Idempotency-Key" in {one["name"] for one in asked["parameters"]}


def test_the_catalogue_tells_what_may_be_asked_for(api: httpx.Client) -> None:
    assert "GER40" in [symbol["symbol"] for symbol in api.get("/symbols").json()]
    assert api.get("/timeframes").json() == ["M1", "M5", "M15", "H1", "H4", "D1"]
    setups = {setup["setup_id"]: setup for setup in api.get("/setups").json()}
    shown = api.get("/setups/IB_raid_v1").json()
    assert setups["IB_raid_v1"]["title"]["ru"] == "Рейд начального баланса"
    assert shown["rule"]["id"] == "IB_raid_v1"
    assert ["stop", "price sweep.extreme + side_out*stop_buffer*ib.range"] in shown["words"]
    assert shown["yaml"].startswith("id: IB_raid_v1\n")
    assert not shown["own"]


RULE = fill_template("mine_v1")


def read_lines(answer: httpx.Response) -> list[Any]:
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_rule_of_ones_own_is_checked_published_and_known_to_start_at_once(
    api: httpx.Client,
) -> None:
    api.post("/data/simulated", json=MARKET)
    yaml = {"Content-Type": "application/yaml"}

    *steps, checked = read_lines(
        api.post("/setups", params={"dry_run": True}, content=RULE, headers=yaml, timeout=120)
    )
    before = ask(api, {**PAYLOAD, "setup_id": "mine_v1"})
    added, again = (read_lines(api.post("/setups", json=RULE, timeout=120))[-1] for _ in range(2))

    after = ask(api, {**PAYLOAD, "setup_id": "mine_v1"})
    assert {step["event"] for step in steps} == {"progress"}
    assert steps[-1]["stage"] == "trading a random walk, M1"
    assert (checked["event"], checked["outcome"]) == ("done", "checked")
    assert checked["gate"]["passed"]
    assert (added["outcome"], again["outcome"]) == ("added", "unchanged")
    assert [problem["code"] for problem in before["problems"]] == ["unknown_setup_id"]
    assert after["status"] == "accepted"
    assert api.get("/setups/mine_v1").json()["own"]
    assert api.get("/setups/mistakes").json() == {}


def test_a_wrong_rule_is_refused_with_its_line_and_path(api: httpx.Client) -> None:
    wrong = RULE.replace("stop: {price: sweep.extreme", "stop: {price: swep.extreme")

    answer = api.post("/setups", json=wrong, params={"file_name": "mine.yaml"})

    [problem] = answer.json()["problems"]
    assert (answer.status_code, answer.json()["title"]) == (422, "invalid_rule")
    assert (problem["field"], problem["code"]) == ("stop.price", "invalid_rule")
    assert problem["message"].startswith("line ")
    assert problem["message"].endswith("did you mean 'sweep.extreme'?")
    assert api.get("/setups/mine_v1").status_code == 404


def test_a_window_that_no_symbol_has_is_a_mistake_in_its_line(api: httpx.Client) -> None:
    wrong = RULE.replace("window: initial_balance", "window: initial_balanse")

    [problem] = api.post("/setups", json=wrong).json()["problems"]

    assert problem["field"] == "levels.ib.window"
    assert problem["message"].endswith("did you mean 'initial_balance'?")


def test_a_rule_that_was_changed_says_why_it_cannot_be_used(
    api: httpx.Client, tmp_path: Path
) -> None:
    api.post("/setups", json=RULE, timeout=120)
    file = tmp_path / "setups/mine_v1.yaml"

    file.write_text(RULE.replace("min_rr: 1.0", "min_rr: 1.25"))

    [problem, *_] = ask(api, {**PAYLOAD, "setup_id": "mine_v1"})["problems"]
    assert (problem["field"], problem["code"]) == ("setup_id", "unusable_setup")
    assert "mine_v1 cannot be used: id: mine_v1 was published with other" in problem["message"]
    assert "publish mine_v2" in api.get("/setups/mine_v1").json()["detail"]
    assert list(api.get("/setups/mistakes").json()) == ["mine_v1.yaml"]
    assert "IB_raid_v1" in [setup["setup_id"] for setup in api.get("/setups").json()]


OWN = 'name = "GER40"\nextends = "GER40"\n[costs]\nslippage = 7.0\n'


def test_a_symbol_of_ones_own_is_checked_added_and_used_at_once(api: httpx.Client) -> None:
    toml = {"Content-Type": "application/toml"}

    checked = api.post("/symbols", params={"dry_run": True}, content=OWN, headers=toml)
    shipped = api.get("/symbols/DAX40").json()
    added = api.post("/symbols", content=OWN, headers=toml)

    own = api.get("/symbols/DAX40").json()
    assert (checked.json()["outcome"], added.json()["outcome"]) == ("checked", "replaced")
    assert (shipped["slippage"], shipped["own"]) == (0.5, False)
    assert (own["slippage"], own["own"], own["toml"]) == (7.0, True, OWN)
    assert own["hash"] != shipped["hash"]
    assert api.get("/symbols/mistakes").json() == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (OWN.replace("slippage", "slipage"), "costs.slipage: there is no such key"),
        ("name = 'X9'\nextends = 'GER40'\ncalendar = 'XETRA'", "did you mean 'XETR'?"),
    ],
)
def test_a_wrong_symbol_changes_nothing(api: httpx.Client, text: str, reason: str) -> None:
    answer = api.post("/symbols", json=text, params={"file_name": "mine.toml"})

    assert answer.status_code == 422
    assert answer.json()["title"] == "invalid_symbol"
    assert "mine.toml is not a valid symbol" in answer.json()["detail"]
    assert reason in answer.json()["detail"]
    assert not any(symbol["own"] for symbol in api.get("/symbols").json())


def test_a_file_is_imported_once(api: httpx.Client) -> None:
    rows = [f"2025-05-0{day}T07:00:00Z,20000,20010,19990,20005" for day in (5, 6, 7)]
    content = "\n".join(["time,open,high,low,close", *rows])

    asked = {"symbol": "DE40", "timeframe": "D1", "file_name": "dax.csv"}
    first = api.post("/data/import", params=asked, content=content)
    second = api.post("/data/import", params=asked, content=content)

    assert first.json()["outcome"] == "created"
    assert first.json()["symbol"] == "GER40"
    assert second.json()["outcome"] == "unchanged"


@pytest.mark.parametrize("alias", ["BTC/USD", "BTC%2FUSD", "btc/usdt"])
def test_an_alias_with_a_slash_works_in_every_path(api: httpx.Client, alias: str) -> None:
    rows = [f"2025-05-0{day}T00:00:00Z,20000,20010,19990,20005" for day in (5, 6, 7)]
    content = "\n".join(["time,open,high,low,close", *rows])
    asked = {"symbol": "BTC/USD", "timeframe": "D1", "file_name": "btc.csv"}
    stored = api.post("/data/import", params=asked, content=content).json()

    shown = api.get(f"/data/{alias}/D1").json()
    [quality] = api.get(f"/data/{alias}/quality").json()
    exported = api.get(f"/data/{alias}/D1/export")
    levels = api.get(f"/data/{alias}/D1/levels", params={"window": "asia"})
    deleted = api.delete(f"/data/{alias}/D1").json()

    assert shown["fingerprint"] == quality["fingerprint"] == stored["fingerprint"]
    assert exported.content.startswith(b"open_time,open,high,low,close")
    assert levels.json()["problems"][0]["field"] == "timeframe"
    assert (deleted["symbol"], deleted["versions"]) == ("BTCUSD", 1)


def test_a_folder_is_imported_as_a_zip_archive(api: httpx.Client) -> None:
    header = "time,open,high,low,close"
    rows = [f"2025-05-0{day}T07:00:00Z,20000,20010,19990,20005" for day in (5, 6, 7)]
    body = zipped({f"{row[:10]}.csv": f"{header}\n{row}\n".encode() for row in rows})
    asked: dict[str, str | bool] = {
        "symbol": "DE40",
        "timeframe": "D1",
        "file_name": "data/dax",
        "folder": True,
    }

    done = api.post("/data/import", params=asked, content=body).json()
    wrong = api.post("/data/import", params=asked, content=b"PK\x03\x04 and no more")

    assert (done["outcome"], done["rows"], done["source_file"]) == ("created", 3, "dax (3 files)")
    assert wrong.status_code == 422
    assert "not a folder in a zip archive" in wrong.json()["detail"]


def test_bars_that_contradict_the_stored_ones_are_refused_until_they_replace_them(
    api: httpx.Client,
) -> None:
    files = [
        "\n".join(
            ["time,open,high,low,close"]
            + [
                f"2025-05-{day:02}T07:00:00Z,{base},{base + 40},{base - 9},{base + day}"
                for day in range(1, 31)
            ]
        )
        for base in (20_000, 20_003)
    ]
    asked = {"symbol": "DE40", "timeframe": "D1", "file_name": "dax.csv"}
    api.post("/data/import", params=asked, content=files[0])

    refused = api.post("/data/import", params=asked, content=files[1])
    replaced = api.post("/data/import", params={**asked, "replace": True}, content=files[1])

    assert refused.status_code == 422
    assert refused.json()["title"] == "bars_disagree"
    assert "30 of its bars are stored already, 30 of them" in refused.json()["detail"]
    assert [one["field"] for one in refused.json()["problems"]] == ["replace"]
    assert replaced.json()["outcome"] == "replaced"


def test_a_body_that_is_too_large_is_refused(api: httpx.Client) -> None:
    asked = {"symbol": "DE40", "timeframe": "D1", "file_name": "dax.csv"}
    chunk = bytes(2**20)

    answer = api.post("/data/import", params=asked, content=(chunk for _ in range(257)))

    assert answer.status_code == 422
    assert "more than the 256 MiB" in answer.json()["detail"]


def test_bars_of_the_future_are_refused(api: httpx.Client) -> None:
    asked = {"symbol": "GER40", "timeframe": "D1", "file_name": "dax.csv"}
    content = "time,open,high,low,close\n2090-05-05T07:00:00Z,20000,20010,19990,20005\n"

    answer = api.post("/data/import", params=asked, content=content)

    assert answer.status_code == 422
    assert "future" in answer.json()["detail"]


def test_a_payload_with_half_a_character_is_answered(api: httpx.Client) -> None:
    body = '{"setup_id": "\\ud800", "extra": {"\\ud800": 1}}'

    answer = api.post("/runs", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422
    assert answer.json()["status"] == "refused"
    assert len(api.get("/audit").json()) == 1


def test_stored_bars_are_shown_measured_exported_and_deleted(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)

    shown = api.get("/data/DE40/M1").json()
    [quality] = api.get("/data/GER40/quality").json()
    levels = api.get("/data/GER40/M15/levels", params={"start": "2025-05-12"}).json()
    exported = api.get("/data/GER40/M1/export", params={"form": "parquet"})
    deleted = api.delete("/data/GER40/M1").json()

    assert (shown["figure"], len(shown["versions"]), shown["clock"]) == (100.0, 1, "UTC")
    assert (quality["figure"], quality["sessions"], quality["simulated"]) == (100.0, 21, True)
    assert (levels["bars_timeframe"], levels["days"][0]["date"]) == ("M1", "2025-05-12")
    assert levels["summary"]["days"] == len(levels["days"]) == 15
    assert exported.content.startswith(b"PAR1")
    assert deleted == {"symbol": "GER40", "timeframe": "M1", "versions": 1}
    assert api.get("/data").json() == []


def test_levels_want_dates_that_are_dates(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)

    answer = api.get("/data/GER40/M15/levels", params={"start": "soon"})

    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "start"


@pytest.mark.parametrize(
    ("asked", "code", "says"),
    [
        (
            {"start": "2025-05-30", "end": "2025-05-05"},
            "end_before_start",
            (
                "end 2025-05-05 lies before start 2025-05-30. The other way round: setupdesk data "
                "levels GER40 M15 --window first_15m --start 2025-05-05 --end 2025-05-30"
            ),
        ),
        (
            {"start": "2026-01-01"},
            "no_bars",
            (
                "GER40 M15 has no bars from 2026-01-01 on. There are bars from 2025-05-01 to "
                "2025-05-30: setupdesk data levels GER40 M15 --window first_15m --start 2025-05-01 "
                "--end 2025-05-30"
            ),
        ),
        ({"end": "2024-12-31"}, "no_bars", "GER40 M15 has no bars up to 2024-12-31."),
        (
            {"start": "2025-05-03", "end": "2025-05-04"},
            "no_sessions",
            "XETR has no session from 2025-05-03 to 2025-05-04: it is closed.",
        ),
    ],
)
def test_levels_of_no_day_are_refused_with_the_days_that_there_are(
    api: httpx.Client, asked: dict[str, str], code: str, says: str
) -> None:
    api.post("/data/simulated", json=MARKET)
    route = "/data/GER40/M15/levels"

    answer = api.get(route, params={"window": "first_15m"} | asked)

    [problem] = answer.json()["problems"]
    assert answer.status_code == 422
    assert problem["code"] == code
    assert says in problem["message"]
    assert problem["allowed"]
    told = re.search(r"--start (\S+) --end (\S+)$", problem["message"])
    assert told
    assert api.get(route, params={"start": told[1], "end": told[2]}).status_code == 200


def test_levels_of_days_in_a_hole_of_the_bars_are_refused(api: httpx.Client) -> None:
    days = ("2025-05-05", "2025-05-19")
    rows = [f"{day}T{hour:02}:00:00Z,20000,20010,19990,20005" for day in days for hour in (7, 8, 9)]
    asked = {"symbol": "GER40", "timeframe": "H1", "file_name": "b.csv"}
    api.post("/data/import", params=asked, content="\n".join(["time,open,high,low,close", *rows]))

    hole = {"start": "2025-05-12", "end": "2025-05-16"}
    answer = api.get("/data/GER40/H1/levels", params=hole)

    [problem] = answer.json()["problems"]
    assert problem["code"] == "no_bars"
    assert "no bars in any of the 5 sessions from 2025-05-12 to 2025-05-16" in problem["message"]


def test_both_dates_of_levels_are_judged_at_once(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)

    answer = api.get("/data/GER40/M15/levels", params={"start": "soon", "end": "later"})

    assert [problem["field"] for problem in answer.json()["problems"]] == ["start", "end"]


def test_two_sources_of_one_symbol_are_compared(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    rows = [
        f"2025-05-05T{7 + number // 4:02}:{number % 4 * 15:02}:00Z,20000,20010,19990,20005"
        for number in range(34)
    ]
    asked = {"symbol": "GER40", "timeframe": "M15", "file_name": "b.csv"}
    content = "\n".join(["time,open,high,low,close", *rows])
    api.post("/data/import", params=asked, content=content)

    [quality] = api.get("/data/GER40/quality", params={"timeframe": "15m"}).json()

    [compared] = quality["compared"]
    assert compared["timeframe"] == "M1"
    assert [day["day"] for day in compared["days"]] == ["2025-05-05"]
    assert compared["days"][0]["differing"] > 0


def test_a_run_is_named_noted_and_tagged_and_its_log_says_by_whom(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    run_id = ask(api, PAYLOAD)["run_id"]
    said = {"name": "First try", "notes": "a\nb", "tags": ["nightly"]}

    changed = api.patch(f"/runs/{run_id}", json=said, headers={"Setupdesk-Door": "ui"})
    cleared = api.patch(f"/runs/{run_id}", json={"name": None})

    earlier: dict[str, Any] = {"name": None, "notes": None, "tags": []}
    assert changed.json() == {"run_id": run_id, **said, "earlier": earlier}
    assert cleared.json()["earlier"] == {"name": "First try"}
    run = api.get(f"/runs/{run_id}").json()
    [listed] = api.get("/runs", params={"tag": "nightly", "search": "a b"}).json()["runs"]
    for shown in (run, listed):
        assert (shown["name"], shown["notes"], shown["tags"]) == (None, "a\nb", ["nightly"])
    events = api.get(f"/runs/{run_id}/logs").json()[1:]
    told = [(each["event"], each.get("now"), each["door"]) for each in events]
    assert told == [
        ("name changed", "First try", "ui"),
        ("notes changed", "a\nb", "ui"),
        ("tags changed", ["nightly"], "ui"),
        ("name changed", None, "api"),
    ]


def test_a_change_is_made_whole_or_not_at_all(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    run_id = ask(api, PAYLOAD)["run_id"]
    api.post(f"/runs/{run_id}/cancel")

    late = api.patch(f"/runs/{run_id}", json={"name": "x", "priority": "live"})
    wrong = api.patch(f"/runs/{run_id}", json={"name": "x", "notes": "=1", "tags": ["-"]})
    none = api.patch(f"/runs/{run_id}", content=b'{"name": 1, "name": 2}')

    assert (late.status_code, late.json()["title"]) == (409, "not_waiting")
    assert [one["code"] for one in wrong.json()["problems"]] == ["formula", "wrong_tag"]
    assert none.json()["problems"][0]["code"] == "wrong_shape"
    assert api.get(f"/runs/{run_id}").json()["name"] is None


def test_a_rerun_passes_start_like_any_other_request(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    asked = PAYLOAD | {"mode": "backtest", "options": {"rr_target": 2, "max_trades": 1}}
    first = ask(api, asked)["run_id"]
    key = {"Idempotency-Key": "again"}

    same = api.post(f"/runs/{first}/rerun")
    changed, repeated = (
        api.post(f"/runs/{first}/rerun", json={"options": {"rr_target": 3}}, headers=key)
        for _ in range(2)
    )

    assert same.status_code == changed.status_code == 202
    assert same.headers["location"] == f"/api/v1/runs/{same.json()['run_id']}"
    assert same.json()["request"] == api.get(f"/runs/{first}").json()["request"]
    assert changed.json()["request"]["options"]["rr_target"] == 3.0
    assert changed.json()["request"]["options"]["max_trades"] == 1
    assert repeated.content == changed.content
    story = api.get(f"/runs/{changed.json()['run_id']}/logs").json()
    assert [event["of"] for event in story if event["event"] == "it is a rerun"] == [first]
    assert len(api.get("/runs").json()["runs"]) == 3


def test_a_rerun_that_is_wrong_is_refused_with_a_receipt_and_a_row(api: httpx.Client) -> None:
    api.post("/data/simulated", json=MARKET)
    first = ask(api, PAYLOAD)["run_id"]

    wrong = api.post(f"/runs/{first}/rerun", json={"symbol": "GER4O"})
    none = api.post(f"/runs/{first}/rerun", content=b"[1]")
    nobody = api.post("/runs/run_2025_10_31_999/rerun")
    conflict = [
        api.post(path, json={}, headers={"Idempotency-Key": "k"}).status_code
        for path in (f"/runs/{first}/rerun", "/runs")
    ]

    assert wrong.status_code == none.status_code == 422
    assert wrong.json()["problems"][0]["suggestion"] == "GER40"
    assert none.json()["problems"][0]["code"] == "wrong_shape"
    assert nobody.status_code == 404
    assert conflict == [202, 409]
    outcomes = [row["outcome"] for row in api.get("/audit").json()]
    assert outcomes == ["conflict", "accepted", "refused", "refused", "accepted"]
