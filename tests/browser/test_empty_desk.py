"""A desk as ``setupdesk up`` starts it, from its first click on, with runs that really run."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from setupdesk.client import Client, connect
from setupdesk.settings import load_settings
from tests.browser.served_pages import Visit
from tests.e2e.test_desk import Desk

pytestmark = pytest.mark.browser

LEVELS = """() => [...document.querySelectorAll("[data-testid=stDataFrame] canvas")]
  .some(table => table.textContent.includes("ib.high"))"""
"""Whether a table has the levels; what it draws stands in it as text too, for screen readers."""


@pytest.fixture(scope="module", name="address")
def find_address(desk: Desk) -> str:
    return str(desk.processes()["ui"]["address"])


def test_an_empty_desk_comes_to_its_first_backtest_in_two_clicks(
    chromium: Any, address: str, desk: Desk
) -> None:
    visit = Visit(chromium, address, "/?lang=en")

    visit.press("Make a simulated market")
    visit.press("Start")
    visit.page.wait_for_url("**/run?run=*")
    # What it computes with is compiled when it is asked for the first time.
    visit.await_text("Equity and drawdown, in R", seconds=120)
    chart = visit.await_chart()
    there = visit.page.get_by_role("link", name="Open in Prefect").get_attribute("href")
    run_id = visit.page.url.partition("?run=")[2].partition("&")[0]

    assert ask_prefect(desk, there)["name"] == run_id
    assert int(chart.get_attribute("data-bars")) > 10_000
    assert "Traceback" not in visit.page.inner_text("body")
    assert visit.complaints == []
    assert visit.strangers == []


def ask_prefect(desk: Desk, page: str) -> Any:
    """Read the flow run that a page of Prefect's shows."""
    address, _, flow_run = page.partition("/runs/flow-run/")
    user, _, password = (desk.home / "prefect.key").read_text().strip().partition(":")
    with httpx.Client(auth=(user, password)) as http:
        assert "<html" in http.get(page, headers={"Accept": "text/html"}).raise_for_status().text
        return http.get(f"{address}/api/flow_runs/{flow_run}").raise_for_status().json()


@pytest.fixture(name="market")
def make_market(desk: Desk) -> None:
    """Have bars, also where only one of these tests is run."""
    with reach(desk) as client:
        if not client.data_sets():
            client.simulate_bars({"symbol": "GER40", "start": "2024-01-01", "end": "2025-12-31"})


@contextmanager
def reach(desk: Desk) -> Iterator[Client]:
    with connect(load_settings({"SETUPDESK_HOME": str(desk.home)})) as client:
        yield client


@pytest.mark.usefixtures("market")
def test_one_look_comes_to_its_levels(chromium: Any, address: str) -> None:
    visit = Visit(chromium, address, "/?lang=en")

    visit.page.get_by_text("One-shot analysis").click()
    at = visit.page.locator(".st-key-form_at input")
    at.fill("2025-10-31 12:00")
    # No Enter: what is typed in counts as soon as Start is pressed.
    visit.press("Start")
    visit.page.wait_for_url("**/run?run=*")
    visit.await_text("As of 2025-10-31 12:00, on the clock of the market (Europe/Berlin).")
    visit.page.wait_for_function(LEVELS)

    assert "Price" in visit.page.inner_text("body")
    assert visit.complaints == []
    assert visit.strangers == []


@pytest.mark.usefixtures("market")
def test_a_refusal_is_mended_by_its_button(chromium: Any, address: str) -> None:
    visit = Visit(chromium, address, "/?lang=en")

    at = visit.page.locator(".st-key-form_max_trades input")
    at.fill("-3")
    at.press("Enter")
    visit.await_text("It cannot start: see what is marked in the form.")
    refused = visit.page.get_by_role("button", name="Start", exact=True).is_disabled()
    visit.page.get_by_role("button", name="Take ").click()
    visit.page.get_by_text("It cannot start").wait_for(state="detached")
    visit.press("Start")
    visit.page.wait_for_url("**/run?run=*")
    visit.await_text("Candles")

    assert refused
    assert visit.complaints == []
    assert visit.strangers == []


@pytest.mark.usefixtures("market")
def test_a_run_under_way_survives_f5_and_comes_to_its_result(
    chromium: Any, address: str, desk: Desk
) -> None:
    visit = Visit(chromium, address, "/?lang=en")
    visit.page.get_by_text("Before it starts").wait_for()
    with holding_run(desk, visit):
        state = visit.page.locator(".stProgress, [data-testid=stProgress]").first
        state.wait_for()
        address_of_run = visit.page.url

        visit.page.reload()
        state.wait_for()
        shown = visit.page.inner_text("body")

    visit.await_text("Equity and drawdown, in R")

    assert "running" in shown
    assert visit.page.url.startswith(address_of_run.partition("&")[0])
    assert visit.complaints == []
    assert visit.strangers == []


@pytest.mark.usefixtures("market")
def test_a_run_under_way_is_stopped_by_a_second_button(
    chromium: Any, address: str, desk: Desk
) -> None:
    visit = Visit(chromium, address, "/?lang=en")
    visit.page.get_by_text("Before it starts").wait_for()

    with holding_run(desk, visit) as child:
        visit.press("Cancel")
        visit.press("Yes, stop it")
        visit.page.get_by_text("cancelled", exact=True).wait_for()

        assert not Path(f"/proc/{child}").exists()
    assert "Equity and drawdown" not in visit.page.inner_text("body")
    assert visit.complaints == []
    assert visit.strangers == []


@contextmanager
def holding_run(desk: Desk, visit: Visit) -> Iterator[int]:
    """Press Start, and hold the run's process as soon as the run is under way."""
    executor = desk.processes()["executor"]["pid"]
    children = Path(f"/proc/{executor}/task/{executor}/children")
    visit.page.wait_for_timeout(1_000)
    visit.page.get_by_role("button", name="Start", exact=True).click(no_wait_after=True)
    child = await_child(children)
    hold(desk, child)
    try:
        visit.page.wait_for_url("**/run?run=*")
        yield child
    finally:
        if Path(f"/proc/{child}").exists():
            os.kill(child, signal.SIGCONT)


def await_child(children: Path) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := children.read_text().split():
            return int(found[0])
        time.sleep(0.002)
    raise AssertionError("No run began.")


def hold(desk: Desk, child: int) -> None:
    """Let it go on in small steps until the ledger has it as running."""
    with reach(desk) as client:
        for _ in range(500):
            os.kill(child, signal.SIGSTOP)
            if client.runs(1)["runs"][0]["state"] == "running":
                return
            os.kill(child, signal.SIGCONT)
            time.sleep(0.02)
    raise AssertionError("The run never ran.")
