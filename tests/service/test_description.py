"""Every route, taken from the API's own description, so that none can be forgotten."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.core.timeframe import Timeframe
from setupdesk.service.app import create_app
from setupdesk.settings import load_settings
from setupdesk.wiring.desk import build_desk
from tests.service.serving import serving

FILE = Path(__file__).parents[2] / "docs/openapi.json"
DESCRIBED: dict[str, Any] = json.loads(FILE.read_text())
SCHEMAS = DESCRIBED["components"]["schemas"]
PROBLEM = "application/problem+json"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NAMES = {"run_id": "run_2025_10_31_999", "symbol": "GER40", "timeframe": "M15", "telegram_id": "7"}
"""What stands in a path of something that is not there."""

OPERATIONS = [
    (method.upper(), path)
    for path, operations in DESCRIBED["paths"].items()
    for method in operations
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("desk")) as client:
        yield client


def send(api: httpx.Client, method: str, path: str, **values: Any) -> httpx.Response:
    filled = re.sub(r"\{(\w+)\}", lambda found: NAMES.get(found[1], "nothing"), path)
    origin = str(api.base_url).removesuffix("/api/v1/")
    return api.request(method, f"{origin}{filled}", **values)


def check_problem(answer: httpx.Response, *statuses: int) -> None:
    error = answer.json()

    assert answer.status_code in statuses
    assert answer.headers["content-type"] == PROBLEM
    assert error["status"] == answer.status_code
    assert list(error) == list(SCHEMAS["Error"]["properties"])
    for problem in error["problems"]:
        assert list(problem) == list(SCHEMAS["Problem"]["properties"])


def test_the_description_in_the_repository_is_that_of_the_api(tmp_path: Path) -> None:
    desk = build_desk(load_settings({"SETUPDESK_HOME": str(tmp_path)}), hands_over=False)

    described = create_app(desk).openapi()

    desk.close()
    assert described == DESCRIBED, "`make openapi` writes docs/openapi.json anew"


def test_the_ids_that_may_be_asked_for_are_in_the_description(api: httpx.Client) -> None:
    described = api.get("/openapi.json").json()
    fields = described["components"]["schemas"]["Payload"]["properties"]

    assert set(fields["setup_id"]["enum"]) == {one["setup_id"] for one in api.get("/setups").json()}
    assert set(fields["symbol"]["enum"]) == {one["symbol"] for one in api.get("/symbols").json()}
    assert fields["timeframe"]["enum"] == list(Timeframe)


@pytest.mark.parametrize("path", DESCRIBED["paths"])
def test_a_method_that_a_route_does_not_have_is_an_error_of_the_one_shape(
    api: httpx.Client, path: str
) -> None:
    wrong = [method for method in METHODS if method.lower() not in DESCRIBED["paths"][path]]

    for method in wrong:
        answer = send(api, method, path)

        # Such a path may be another route's too: that of a run, or of a symbol with a slash.
        check_problem(answer, 404, 405, 422)
        assert answer.status_code != 405 or answer.headers["allow"]


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path in OPERATIONS if "{" in path]
)
def test_what_is_not_there_is_an_error_of_the_one_shape(
    api: httpx.Client, method: str, path: str
) -> None:
    body = {"priority": "live"} if method == "PATCH" else {} if path.endswith("/mutes") else None
    answer = send(api, method, path, json=body)

    check_problem(answer, 404)


@pytest.mark.parametrize("path", DESCRIBED["paths"])
def test_a_path_that_is_not_there_is_an_error_of_the_one_shape(
    api: httpx.Client, path: str
) -> None:
    check_problem(send(api, "GET", f"{path}/a/b/c"), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        (method, path)
        for method, path in OPERATIONS
        if "requestBody" in DESCRIBED["paths"][path][method.lower()]
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"5", b'{"a": NaN}', b"\xff\x00", b'"\\ud800"', b"[" * 9_999]
)
def test_a_body_of_the_wrong_shape_is_an_error_of_the_one_shape(
    api: httpx.Client, method: str, path: str, body: bytes
) -> None:
    answer = send(api, method, path, content=body, headers={"Content-Type": "application/json"})

    if path == "/api/v1/runs":
        assert (answer.status_code, answer.json()["status"]) == (422, "refused")
    else:
        check_problem(answer, 400, 404, 422)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        *[("/data/simulated", 16_384), ("/data/fetch", 16_384), ("/keys", 16_384)],
        *[("/setups", 1_048_576), ("/symbols", 1_048_576), ("/nothing", 1_048_576)],
    ],
)
def test_a_body_that_is_too_long_is_not_read(api: httpx.Client, path: str, most: int) -> None:
    said = api.post(path, content=bytes(most + 1))
    turned_out = api.post(path, content=(bytes(65_536) for _ in range(17)))
    just_short_enough = api.post(path, content=bytes(most))

    check_problem(said, 413)
    check_problem(turned_out, 404 if path == "/nothing" else 413)
    check_problem(just_short_enough, 400, 404, 422)


@pytest.mark.parametrize(
    "said",
    [{"Content-Encoding": "gzip"}, {"Content-Type": "Multipart/Form-Data; boundary=x"}],
)
def test_a_body_that_is_wrapped_is_not_unwrapped(api: httpx.Client, said: dict[str, str]) -> None:
    for path in ("/data/import", "/data/simulated", "/setups"):
        check_problem(api.post(path, content=b"x", headers=said), 415)
    answer = api.post("/runs", content=b"x", headers=said)
    plain = api.post("/runs/validate", content=b"{}", headers={"Content-Type": "text/plain"})

    assert (answer.status_code, answer.json()["status"]) == (422, "refused")
    assert plain.json()["problems"][0]["code"] == "missing"


def test_every_error_is_described() -> None:
    for method, path in OPERATIONS:
        answers = DESCRIBED["paths"][path][method.lower()]["responses"]
        for status, answer in answers.items():
            if not status.startswith("2"):
                [(kind, content)] = answer["content"].items()
                name = "Error" if kind == PROBLEM else "Receipt"
                assert content["schema"] == {"$ref": f"#/components/schemas/{name}"}
        assert not {"default", "4XX", "5XX"} & set(answers)
        assert {"403", "421", "429", "503"} <= set(answers)


def test_a_receipt_is_as_described(api: httpx.Client) -> None:
    receipt = api.post("/runs", json={"symbol": "GER4O"}).json()

    assert list(receipt) == list(SCHEMAS["Receipt"]["properties"])
    assert receipt["door"] in SCHEMAS["Receipt"]["properties"]["door"]["enum"]
    assert receipt["problems"]


def test_the_description_tells_nothing_of_the_machine() -> None:
    assert str(Path.home()) not in FILE.read_text()
