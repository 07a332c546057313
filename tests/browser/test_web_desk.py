"""The pages of the web desk in a real Chromium, by ``make browser``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from tests.browser.served_pages import Visit, serving_pages

pytestmark = pytest.mark.browser

MARKET = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-06-30", "seed": 1}
BACKTEST = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "mode": "backtest",
    "start": "2025-03-03",
    "end": "2025-06-30",
}
ROW = 35
"""How high a row of a table is, in pixels."""


@pytest.fixture(scope="module", name="home")
def home_of_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    desk.simulate_bars(MARKET)
    desk.ask(BACKTEST)
    desk.desk.close()
    return home


@pytest.fixture(scope="module", name="run_id")
def find_run(home: Path) -> str:
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)
    run_id: str = desk.runs(1)["runs"][0]["run_id"]
    desk.desk.close()
    return run_id


@pytest.fixture(scope="module", name="address")
def serve(home: Path) -> Iterator[str]:
    with serving_pages(home) as address:
        yield address


def open_run(browser: Any, address: str, run_id: str, scheme: str = "light") -> tuple[Visit, Any]:
    visit = Visit(browser, address, f"/run?run={run_id}", color_scheme=scheme)
    return visit, visit.await_chart()


def click_row(visit: Visit, run_id: str, number: int) -> None:
    table = visit.page.locator(f".st-key-trades_{run_id} canvas").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    visit.page.mouse.click(box["x"] + 18, box["y"] + ROW * number + ROW / 2)


def await_choice(visit: Visit, number: int | str) -> None:
    visit.page.wait_for_selector(f".chart[data-chosen='{number}']", state="attached")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_run_draws_its_candles_without_complaint_or_another_host(
    chromium: Any,
    address: str,
    run_id: str,
    scheme: str,
) -> None:
    visit, chart = open_run(chromium, address, run_id, scheme)

    assert chart.get_attribute("data-theme") == scheme
    assert int(chart.get_attribute("data-bars")) > 5_000
    assert re.match(r"\w{3} \d\d \w{3} 2025 \d\d:\d\d\s*O \d+\.\d", chart.inner_text().strip())
    assert visit.complaints == []
    assert visit.strangers == []


def test_a_click_on_a_row_takes_the_chart_to_its_trade(
    chromium: Any,
    address: str,
    run_id: str,
) -> None:
    visit, chart = open_run(chromium, address, run_id)
    before = int(chart.get_attribute("data-from"))

    click_row(visit, run_id, 3)
    await_choice(visit, 3)
    visit.page.mouse.move(0, 0)
    visit.page.wait_for_timeout(800)

    assert int(chart.get_attribute("data-from")) < before
    assert "#3 " in chart.inner_text()
    assert " stop " in chart.inner_text()
    assert 0 <= chart.bounding_box()["y"] < 500
    assert visit.complaints == []


def test_a_click_on_a_trade_of_the_chart_marks_its_row(
    chromium: Any,
    address: str,
    run_id: str,
) -> None:
    visit, chart = open_run(chromium, address, run_id)
    table = visit.page.locator(f".st-key-trades_{run_id} canvas").first
    click_row(visit, run_id, 2)
    await_choice(visit, 2)
    click_row(visit, run_id, 2)
    await_choice(visit, "")
    visit.page.wait_for_timeout(800)
    plain = table.screenshot()
    view = chart.get_attribute("data-from")
    chart.scroll_into_view_if_needed()

    # The chart has stayed where the trade is in its middle.
    paper = chart.locator("canvas").first.bounding_box()
    visit.page.mouse.click(paper["x"] + paper["width"] / 2, paper["y"] + 100)
    await_choice(visit, 2)

    assert chart.get_attribute("data-from") == view
    assert table.screenshot() != plain
    assert visit.complaints == []


def test_the_pointer_reads_the_bar_under_it(
    chromium: Any,
    address: str,
    run_id: str,
) -> None:
    visit, chart = open_run(chromium, address, run_id)
    chart.scroll_into_view_if_needed()
    newest = chart.inner_text()
    box = chart.bounding_box()

    visit.page.mouse.move(box["x"] + 200, box["y"] + 200)
    visit.page.wait_for_timeout(300)

    assert chart.inner_text() != newest
    assert re.search(r"O \d+\.\d\s*H \d+\.\d\s*L \d+\.\d\s*C \d+\.\d", chart.inner_text())


def test_a_run_stays_on_the_page_when_it_is_loaded_anew(
    chromium: Any,
    address: str,
    run_id: str,
) -> None:
    visit, _ = open_run(chromium, address, run_id)

    visit.page.reload()
    visit.await_chart()

    assert visit.page.url.startswith(f"{address}/run?run={run_id}")
    assert run_id in visit.page.inner_text("body")
    assert visit.complaints == []


@pytest.mark.usefixtures("run_id")
def test_a_form_stays_when_it_is_loaded_anew_and_starts_its_run(
    chromium: Any, address: str
) -> None:
    visit = Visit(chromium, address, "/")
    page = visit.page
    page.get_by_role("radio", name="3 months").click()
    page.wait_for_url("**form_period=3m**")
    page.reload()
    page.get_by_role("button", name="Start").wait_for()
    kept = page.get_by_role("radio", name="3 months").is_checked()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/run?**run=run_**")
    started = page.url
    page.get_by_role("link", name="Runs").first.click()
    page.wait_for_url("**/runs**")

    assert kept
    assert "form_" not in started
    assert "form_" not in page.url
    assert visit.complaints == []


def test_the_candles_follow_the_theme_of_the_page(
    chromium: Any,
    address: str,
    run_id: str,
) -> None:
    visit, chart = open_run(chromium, address, run_id)
    light = chart.screenshot()

    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_selector(".chart[data-theme='dark']", state="attached")

    assert chart.screenshot() != light
    assert visit.complaints == []
