"""Hostile texts and numbers, at every place of every route: refused in words, never a bug."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.serving import serving

DESCRIBED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs/openapi.json").read_text()
)
OPERATIONS = [
    (method.upper(), path.removeprefix("/api/v1"), operation)
    for path, operations in DESCRIBED["paths"].items()
    for method, operation in operations.items()
]
TEXTS = (
    *("", " ", ".", "..", "../..", "..%2f..%2fapi.key", "/etc/passwd", "C:\\boot.ini", "GER40\n"),
    *(
        "GER40\x00",
        "\x1b[2J",
        "\u202egpj.exe",
        "\ufeffGER40",
        "G\u0415R40",
        "\uff27\uff25\uff32\uff14\uff10",
        "💥" * 50,
    ),
    *("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "<script>alert(1)</script>", "${7*7}"),
    *("'; DROP TABLE run; --", "{{7*7}}", "%00", "%s%n", "a" * 5_000, "null", "NaN", "1e400"),
)
SHAPES = (
    *(
        '{"symbol": NaN}',
        '{"symbol": 1e400}',
        '{"symbol": -Infinity}',
        '{"symbol": 9007199254740993}',
    ),
    *('{"symbol": "GER40", "symbol": "US500"}', '{"a":' * 2_000 + "1" + "}" * 2_000, "[" * 9_000),
    *(
        '{"symbol": "\\ud800"}',
        '{"start": "2025-02-30"}',
        '{"start": "0000-01-01"}',
        "\x00",
        "\xff",
    ),
    *('{"options": {"max_trades": true}}', '{"extra": {"' + "x" * 300 + '": 1}}', '{"": ""}', "{}"),
)
WATCHED = (
    *("name", "timeframe", "options", "extra", "feed", "replay_from", "speed", "expires"),
    *("every", "at_bar_close"),
)
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("desk")) as client:
        yield client


def check_refused_in_words(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500, (answer.request.url, answer.text)
    said = answer.json()
    if answer.headers["content-type"] == PROBLEM:
        assert said["title"] not in ("bug", "error")
        assert said["detail"]
    else:
        assert said["status"] == "refused"
        assert all(problem["message"] for problem in said["problems"])


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_no_hostile_id_in_a_path_does_any_harm(api: httpx.Client, text: str) -> None:
    with_ids = [(method, path) for method, path, _ in OPERATIONS if "{" in path]
    for method, path in with_ids:
        filled = re.sub(r"\{\w+\}", lambda _: quote(text, safe=""), path)
        body: dict[str, str] | None = {} if method in ("POST", "PATCH") else None
        answer = api.request(method, f"{str(api.base_url).rstrip('/')}{filled}", json=body)

        # An empty id makes another path of it, which may be that of a list.
        if not (text.strip("./ ") == "" and answer.is_success and method == "GET"):
            check_refused_in_words(answer)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_no_hostile_text_in_a_query_or_a_body_does_any_harm(api: httpx.Client, text: str) -> None:
    for _, path, operation in OPERATIONS:
        names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
        if names and "{" not in path and "get" in DESCRIBED["paths"][f"/api/v1{path}"]:
            for some in (names[:8], names[8:]):  # Together they are longer than an address may be.
                assert api.get(path, params=dict.fromkeys(some, text)).status_code < 500
    payload = dict.fromkeys(("setup_id", "symbol", "timeframe", "start", "end", "mode"), text)
    for path in ("/runs", "/runs/validate", "/data/simulated", "/data/fetch", "/bars"):
        check_refused_in_words(api.post(path, json=payload))
    named = {"name": text, "user": text, "role": "viewer", "events": [text], "url": text}
    for path in ("/keys", "/hooks", "/channels"):
        check_refused_in_words(api.post(path, json={**named, "payload": payload}))
    for path in ("/runs", "/runs/validate"):
        check_refused_in_words(api.post(path, json={"watch": text, "mode": "live"}))
    watch = {key: [text] for key in ("setups", "symbols")} | dict.fromkeys(WATCHED, text)
    check_refused_in_words(api.post("/watches", json=watch))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape[:20])
def test_no_hostile_shape_does_any_harm(api: httpx.Client, shape: str) -> None:
    for method, path, operation in OPERATIONS:
        if "requestBody" in operation:
            filled = re.sub(r"\{\w+\}", "nothing", path)
            answer = api.request(method, filled, content=shape.encode("latin-1"))

            check_refused_in_words(answer)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = (
    "setup_id",
    "symbol",
    "timeframe",
    "start",
    "end",
    "mode",
    "last",
    "options",
    "extra",
    "watch",
    "x",
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_for_gets_a_receipt_and_a_row(
    api: httpx.Client, payload: dict[str, Any]
) -> None:
    [before] = api.get("/audit?limit=1").json() or [{"audit_id": 0}]
    body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")

    answer = api.post("/runs", content=body)

    check_refused_in_words(answer)
    [newest] = api.get("/audit?limit=1").json()
    assert newest["audit_id"] == before["audit_id"] + 1
    assert newest["outcome"] == "refused"


ONCE_BUGS: list[tuple[str, str, Any]] = [
    ("GET", "/runs?until=9999-12-31", None),
    ("GET", "/runs?since=0001-01-01", None),
    ("POST", "/bars", {"time": "9999-12-31T23:59:00-14:00"}),
    ("POST", "/bars", {"time": 1_700_000_000}),
    ("POST", "/bars", {"open": "1.1"}),
    ("POST", "/bars", {"high": True}),
    ("POST", "/bars", {"volume": 1e300}),
]


@pytest.mark.parametrize(("method", "path", "part"), ONCE_BUGS)
def test_what_once_was_a_bug_is_refused_in_words(
    api: httpx.Client, method: str, path: str, part: Any
) -> None:
    bar = {"time": "2025-05-05T07:00:00Z", "open": 1, "high": 1, "low": 1, "close": 1}
    body = part and {"symbol": "GER40", "timeframe": "M1", "bars": [{**bar, **part}]}

    check_refused_in_words(api.request(method, path, json=body))


@pytest.mark.parametrize("path", ["/keys", "/hooks", "/channels", "/data/simulated", "/data/fetch"])
def test_no_name_stands_twice_and_no_number_is_none(api: httpx.Client, path: str) -> None:
    for shape in ('{"role": "viewer", "role": "admin"}', '{"a": NaN}', '{"a": 1e400}', "[1]"):
        answer = api.post(path, content=shape, headers={"Content-Type": "application/json"})

        check_refused_in_words(answer)
        assert answer.json()["problems"][0]["code"] == "wrong_shape"


@pytest.mark.parametrize(
    "text", ["sdk_" + "a" * 43, "my whsec_" + "b" * 32, "a\u200bb", "\U000e0041x"]
)
def test_no_name_holds_a_secret_or_what_cannot_be_seen(api: httpx.Client, text: str) -> None:
    payload = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "live"}
    url = {"url": "https://93.184.216.34/", "events": ["alert"]}
    for path, body in (
        ("/keys", {"user": text, "role": "viewer"}),
        ("/hooks", {"payload": payload}),
        ("/channels", url),
    ):
        answer = api.post(path, json={"name": text, **body})

        check_refused_in_words(answer)
        assert "name" in [one["field"] for one in answer.json()["problems"]]
        assert text not in answer.text
