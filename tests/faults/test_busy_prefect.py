"""Runs end while others are created: on a desk's Prefect none fails, on the stock one none is lost.

Prefect on SQLite begins its transactions without the write lock and answers 503 to whoever is
second. The desk's server takes the lock at once; without that, only the repeats save a run.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import httpx
import pytest

from setupdesk.adapters import clock
from setupdesk.adapters.prefect_api import PrefectApi, PrefectUnavailableError
from setupdesk.adapters.prefect_server import DATABASE, prepare_database
from setupdesk.core.period import to_iso
from tests.conftest import AUTH_STRING, find_free_port, serving_prefect

if TYPE_CHECKING:
    from tests.conftest import PrefectServer

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]

WRITERS = 8
CREATES = 60
STOCK_WRITERS = 2
STOCK_CREATES = 6
"""Few, as each takes many repeats there: with eight writers sixty took 92 s and 3,122 repeats."""

STOCK = "prefect.server.api.server:create_app"


class Ends:
    """A process that ends runs, as a child of the executor does, and counts the answers."""

    def __init__(self, url: str, flow_run_ids: list[str]) -> None:
        user, _, password = AUTH_STRING.partition(":")
        self.http = httpx.Client(base_url=url, auth=(user, password), timeout=60, trust_env=False)
        self.flow_run_ids = flow_run_ids
        self.answers: Counter[str] = Counter()

    def write_until(self, stop: Event) -> Counter[str]:
        """End one run after the other, beginning anew with the first, until *stop*."""
        while not stop.is_set():
            for flow_run_id in self.flow_run_ids:
                self._end(flow_run_id)
        self.http.close()
        return self.answers

    def _end(self, flow_run_id: str) -> None:
        path = f"/flow_runs/{flow_run_id}/set_state"
        for state in ("PENDING", "RUNNING", "COMPLETED"):
            self._send(path, {"state": {"type": state, "name": state.title()}, "force": True})
        line = {"name": "setupdesk", "level": 20, "message": "task ended"}
        self._send(
            "/logs/", [line | {"timestamp": to_iso(clock.now()), "flow_run_id": flow_run_id}]
        )

    def _send(self, path: str, body: object) -> None:
        try:
            answer = self.http.post(path, json=body)
        except httpx.TransportError as error:
            self.answers[type(error).__name__] += 1
        else:
            self.answers["ok" if answer.is_success else str(answer.status_code)] += 1


def create_all(api: PrefectApi, flow_name: str, run_ids: Sequence[str]) -> tuple[list[str], int]:
    """Create runs one at a time, each as often as it takes; give their ids and the failures."""
    flow_run_ids, failures = [], 0
    for run_id in run_ids:
        while True:
            try:
                flow_run_ids.append(api.create_flow_run(flow_name, run_id))
                break
            except PrefectUnavailableError:
                failures += 1
    return flow_run_ids, failures


def create_while_others_end(
    url: str, day: str, count: int, writers: int
) -> tuple[list[str], int, Counter[str]]:
    api = PrefectApi(url, AUTH_STRING)
    numbers = range(901, 901 + 2 * writers)
    # The stock server makes this fail too, by what it writes itself when it has just started.
    ended, _ = create_all(api, "live_scan_flow", [f"run_{day}_{number}" for number in numbers])
    stop = Event()
    ends = [Ends(url, ended[2 * n : 2 * n + 2]) for n in range(writers)]
    with ThreadPoolExecutor(writers) as threads:
        writing = [threads.submit(each.write_until, stop) for each in ends]
        try:
            run_ids = [f"run_{day}_{number:03d}" for number in range(1, count + 1)]
            made, failures = create_all(api, "backtest_flow", run_ids)
        finally:
            stop.set()
        answers = sum((each.result() for each in writing), Counter[str]())
    api.close()
    return made, failures, answers


@pytest.fixture
def stock_server(tmp_path: Path) -> Iterator[str]:
    prepare_database(tmp_path / DATABASE)
    port = find_free_port()
    with serving_prefect(tmp_path, port, STOCK):
        yield f"http://127.0.0.1:{port}/api"


def test_no_create_fails_while_eight_runs_end_at_once(prefect_server: "PrefectServer") -> None:
    made, failures, answers = create_while_others_end(
        prefect_server.url, "2026_01_01", CREATES, WRITERS
    )

    print(f"{CREATES} creates, {failures} failed; other writes {dict(answers)}")
    assert failures == 0
    assert len(set(made)) == CREATES
    assert answers["ok"] > CREATES
    assert set(answers) == {"ok"}


def test_on_the_stock_server_creates_fail_and_repeats_lose_and_double_none(
    stock_server: str,
) -> None:
    made, failures, answers = create_while_others_end(
        stock_server, "2026_01_02", STOCK_CREATES, STOCK_WRITERS
    )

    print(f"{STOCK_CREATES} creates, {failures} failed; other writes {dict(answers)}")
    assert failures > 0
    assert len(set(made)) == STOCK_CREATES
    api = PrefectApi(stock_server, AUTH_STRING)
    names = {"flow_runs": {"name": {"like_": "run_2026_01_02_0"}}}
    assert api.call("POST", "/flow_runs/count", names) == STOCK_CREATES
    api.close()
