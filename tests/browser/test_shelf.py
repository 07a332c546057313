"""Setups and bars in a real Chromium: an import up to its backtest, a rule mended and added."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import load_settings
from setupdesk.setups.template import fill_template
from tests.browser.served_pages import Visit, serving_pages

pytestmark = pytest.mark.browser

MARKET = {"symbol": "GER40", "start": "2025-03-01", "end": "2025-06-30", "seed": 1}


@pytest.fixture(scope="module", name="broker_file")
def write_broker_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write bars as many brokers do: on a clock that they do not name, NY+7."""
    folder = tmp_path_factory.mktemp("broker")
    desk = open_inline(load_settings({"SETUPDESK_HOME": str(folder)}), Door.CLI)
    desk.simulate_bars(MARKET)
    lines = desk.export_bars("GER40", "M1", "csv").decode().splitlines()[1:]
    desk.desk.close()
    file = folder / "GER40_M1.csv"
    file.write_text("\n".join(["time,open,high,low,close", *map(write_row, lines)]))
    return file


def write_row(line: str) -> str:
    at, *prices, _ = line.split(",")
    local = datetime.fromisoformat(at).astimezone(ZoneInfo("America/New_York"))
    return ",".join((f"{local + timedelta(hours=7):%Y-%m-%d %H:%M}", *prices))


@pytest.fixture(scope="module", name="address")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_pages(tmp_path_factory.mktemp("desk")) as address:
        yield address


def test_a_file_is_uploaded_its_clock_said_and_a_backtest_started_on_it(
    chromium: Any,
    address: str,
    broker_file: Path,
) -> None:
    visit = Visit(chromium, address, "/data")
    page = visit.page
    page.get_by_role("button", name="Import a file").click()
    page.locator("input[type=file]").set_input_files(broker_file)
    page.get_by_text("Which clock are the times in?").wait_for()
    page.locator(".st-key-import_clock input").fill("NY+7")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Take NY+7").click()
    page.get_by_text("What was recognised").wait_for()
    page.locator(".st-key-import_go button").click()
    page.get_by_text("The bars are stored.").wait_for()
    page.get_by_role("button", name="Show its coverage").click()
    page.get_by_text("Whole sessions").wait_for()
    page.locator(".st-key-days canvas").first.wait_for()
    page.get_by_role("button", name="Backtest on it").click()
    page.get_by_text("3 months").click()
    page.locator(".st-key-start button").click()
    page.get_by_text("queued").first.wait_for()

    assert "/run?run=run_" in page.url
    assert "GER40" in page.inner_text("body")
    assert visit.complaints == []
    assert visit.strangers == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_setup_is_told_and_drawn_without_complaint_or_another_host(
    chromium: Any,
    address: str,
    scheme: str,
) -> None:
    visit = Visit(chromium, address, "/setups?setup=IB_raid_v1", color_scheme=scheme)
    picture = visit.page.locator("[data-testid=stImage] img")
    picture.wait_for()
    visit.page.reload()
    picture.wait_for()

    assert picture.evaluate("image => image.naturalWidth") > 0
    assert "Initial balance raid" in visit.page.inner_text("body")
    assert visit.complaints == []
    assert visit.strangers == []


def test_a_rule_of_ones_own_is_checked_mended_and_added(
    chromium: Any,
    address: str,
    tmp_path: Path,
) -> None:
    file = tmp_path / "mine_v1.yaml"
    file.write_text(fill_template("mine_v1").replace("[ib.high, ib.low]", "[ib.hgh, ib.low]"))
    visit = Visit(chromium, address, "/setups")
    page = visit.page
    page.get_by_role("tab", name="Add a rule of your own").click()
    page.locator("input[type=file]").set_input_files(file)
    page.wait_for_function(
        "() => document.querySelector('.st-key-rule_text textarea').value.includes('mine_v1')"
    )
    page.locator(".st-key-rule_check button").click()
    page.get_by_role("button", name="Take ib.high").click()
    page.get_by_text("The rule has changed since it was checked.").wait_for()
    # The gate compiles what it computes with when it is asked for the first time.
    page.locator(".st-key-rule_check button").click()
    page.get_by_text("mine_v1 is sound.").wait_for(timeout=120_000)
    page.locator(".st-key-rule_add button").click()
    page.get_by_text("mine_v1 is added.").wait_for(timeout=60_000)

    assert page.get_by_role("button", name="Backtest it").count() >= 1
    assert visit.complaints == []
    assert visit.strangers == []
