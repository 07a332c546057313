"""Runs compared, stopped and loaded anew, and the audit chain, in a real Chromium."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from setupdesk.core.run import Door
from setupdesk.inline import open_inline
from setupdesk.settings import Settings, load_settings
from setupdesk.wiring.running import build_journal
from tests.browser.served_pages import Visit, serving_pages
from tests.browser.test_web_desk import BACKTEST, MARKET, ROW

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", name="home")
def home_of_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("desk")
    desk = open_inline(read(home), Door.CLI)
    desk.simulate_bars(MARKET)
    asked: list[dict[str, Any]] = [{}, {"options": {"rr_target": 2}}]
    for changes in asked:
        desk.ask(BACKTEST | changes)
    desk.desk.close()
    return home


@pytest.fixture(scope="module", name="address")
def serve(home: Path) -> Iterator[str]:
    with serving_pages(home) as address:
        yield address


def read(home: Path) -> Settings:
    return load_settings({"SETUPDESK_HOME": str(home)})


def ask(visit: Visit) -> str:
    visit.page.get_by_role("button", name="Start").click()
    visit.page.wait_for_url("**/run?run=*")
    return str(visit.page.url).rpartition("run=")[2].partition("&")[0]


def click_rows(visit: Visit, *rows: int) -> None:
    table = visit.page.locator(".st-key-runs_table canvas").first
    table.wait_for()
    visit.page.wait_for_timeout(1_000)
    box = table.bounding_box()
    for row in rows:
        visit.page.mouse.click(box["x"] + 18, box["y"] + ROW * (row + 1) + ROW / 2)
        visit.page.wait_for_timeout(800)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_runs_of_the_list_are_compared(
    chromium: Any,
    address: str,
    scheme: str,
) -> None:
    visit = Visit(chromium, address, "/runs?lang=en", color_scheme=scheme)
    visit.page.get_by_role("textbox", name="Search").fill("IB_raid_v1 GER40")
    visit.page.keyboard.press("Enter")

    click_rows(visit, 0, 1)
    visit.page.get_by_role("button", name="Compare").click()
    visit.page.get_by_text("2 runs side by side").wait_for()
    visit.page.get_by_text("Trades that differ").wait_for()
    visit.page.locator(".st-key-compared_equity canvas").first.wait_for()

    assert visit.page.url.count("run=") == 2
    assert visit.complaints == []
    assert visit.strangers == []

    visit.page.reload()
    visit.page.get_by_text("2 runs side by side").wait_for()


def test_a_run_is_stopped_on_its_page_by_a_second_button(
    chromium: Any,
    address: str,
) -> None:
    visit = Visit(chromium, address, "/?lang=en")
    ask(visit)

    visit.page.get_by_text("It waits: number 1 in the queue.").wait_for()
    visit.page.get_by_role("button", name="Cancel").click()
    visit.page.get_by_role("button", name="Yes, stop it").click()
    visit.page.get_by_text("cancelled", exact=True).wait_for()

    assert visit.complaints == []


def test_a_run_that_is_loaded_anew_goes_on_showing_its_progress(
    chromium: Any,
    address: str,
    home: Path,
) -> None:
    visit = Visit(chromium, address, "/?lang=en")
    run_id = ask(visit)
    journal = build_journal(read(home), "executor 1")
    journal.begin(run_id)
    journal.note_stage(run_id, "finding signals")
    visit.page.get_by_text("finding signals", exact=True).wait_for()

    visit.page.reload()
    visit.page.get_by_text("finding signals", exact=True).wait_for()
    journal.finish_failed(run_id, "the test ends it")
    visit.page.get_by_text("the test ends it").wait_for()

    assert run_id in visit.page.inner_text("body")
    assert visit.complaints == []


def test_the_chain_of_the_audit_log_is_verified(
    chromium: Any,
    address: str,
) -> None:
    visit = Visit(chromium, address, "/audit?lang=en")

    visit.page.get_by_role("button", name="Verify the chain").click()
    visit.page.get_by_text("The chain is whole").wait_for()

    assert visit.complaints == []
    assert visit.strangers == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_the_desk_is_examined_without_complaint(
    chromium: Any,
    address: str,
    scheme: str,
) -> None:
    visit = Visit(chromium, address, "/system?lang=en", color_scheme=scheme)

    visit.page.get_by_role("button", name="Examine").click()
    visit.page.get_by_text("checks are well.").wait_for()

    assert visit.complaints == []
    assert visit.strangers == []
