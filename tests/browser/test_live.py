"""Live watches and schedules of the web desk in a real Chromium, by ``make browser``."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from setupdesk.core.run import Door
from setupdesk.inline import InlineDesk, open_inline
from setupdesk.settings import load_settings
from tests.browser.served_pages import Visit, serving_pages

pytestmark = pytest.mark.browser

MARKET = {"symbol": "GER40", "start": "2025-05-01", "end": "2025-05-30", "seed": 1}
WATCH = {
    "setups": ["IB_raid_v1"],
    "symbols": ["GER40"],
    "timeframe": "M15",
    "feed": "replay",
    "replay_from": "2025-05-07 09:00",
    "speed": 900,
}


@pytest.fixture(scope="module", name="home")
def home_of_bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("desk")
    desk = open_desk(home)
    desk.simulate_bars(MARKET)
    desk.desk.close()
    return home


@pytest.fixture(scope="module", name="address")
def serve(home: Path) -> Iterator[str]:
    with serving_pages(home) as address:
        yield address


def open_desk(home: Path) -> InlineDesk:
    return open_inline(load_settings({"SETUPDESK_HOME": str(home)}), Door.CLI)


def poll(home: Path, watch_id: str) -> None:
    """Look once, as the executor of a desk does at each tick."""
    desk = open_desk(home)
    run = desk.run(desk.ask({"mode": "live", "watch": watch_id})["run_id"])
    desk.desk.close()
    assert run["state"] == "completed", run["reason"]


def test_a_watch_comes_from_its_form_to_its_first_poll_on_the_live_page(
    chromium: Any,
    home: Path,
    address: str,
) -> None:
    visit = Visit(chromium, address, "/")
    visit.page.get_by_text("Live watch").click()
    visit.await_text("1 look at each poll")
    visit.page.locator(".st-key-form_feed").get_by_role("combobox").click()
    visit.page.get_by_role("option").nth(1).click()
    visit.await_text("60 times as fast")

    visit.press("Watch")
    visit.page.wait_for_url(re.compile(r"/live\?watch=watch_"))
    visit.await_text("It has not looked yet: its first poll is on its way.")
    poll(home, visit.page.url.partition("watch=")[2])
    chart = visit.await_chart()

    assert int(chart.get_attribute("data-bars")) > 100
    assert visit.complaints == []
    assert visit.strangers == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_new_bars_come_to_the_chart_and_its_zoom_stays(
    chromium: Any,
    home: Path,
    address: str,
    scheme: str,
) -> None:
    watch_id = open_desk(home).add_watch(WATCH)["watch_id"]
    poll(home, watch_id)
    visit = Visit(chromium, address, f"/live?watch={watch_id}", color_scheme=scheme)
    chart = visit.await_chart()
    before = int(chart.get_attribute("data-bars"))
    width = int(chart.get_attribute("data-to")) - int(chart.get_attribute("data-from"))
    chart.evaluate("chart => { chart.isTheSame = true; }")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(5):
        visit.page.mouse.wheel(0, -240)
        visit.page.wait_for_timeout(100)

    visit.page.wait_for_timeout(2_000)
    poll(home, watch_id)
    visit.page.wait_for_selector(f".chart:not([data-bars='{before}'])", state="attached")

    shown = int(chart.get_attribute("data-to")) - int(chart.get_attribute("data-from"))
    assert chart.evaluate("chart => chart.isTheSame")
    assert shown < 0.9 * width
    assert chart.get_attribute("data-theme") == scheme
    assert visit.complaints == []
    assert visit.strangers == []


def test_a_watch_is_ended_after_it_was_asked_once_more(
    chromium: Any,
    home: Path,
    address: str,
) -> None:
    watch_id = open_desk(home).add_watch(WATCH | {"name": "to be ended"})["watch_id"]
    visit = Visit(chromium, address, f"/live?watch={watch_id}")

    visit.press("End the watch")
    visit.press("Yes, end it")
    visit.page.get_by_role("button", name="Look now").wait_for(state="detached")

    assert open_desk(home).watch(watch_id)["ended_at"]
    assert visit.complaints == []


def test_a_schedule_is_made_run_now_paused_and_removed(
    chromium: Any,
    home: Path,
    address: str,
) -> None:
    desk = open_desk(home)
    desk.add_watch(WATCH | {"name": "beside it"})
    visit = Visit(chromium, address, "/schedules")
    visit.page.get_by_text("Run something regularly").click()
    visit.press("Take 30d")
    visit.page.get_by_role("button", name="Take 30d").wait_for(state="detached")
    cron = visit.page.locator(".st-key-plan_cron input")
    cron.fill("15 7 * * *")
    cron.press("Enter")
    visit.await_text("each day at 07:15 Europe/Berlin (15 7 * * *)")
    visit.press("Run it regularly")
    visit.page.wait_for_url(re.compile(r"\?schedule=sched_"))
    schedule_id = visit.page.url.partition("schedule=")[2]

    visit.press("Run now")
    visit.await_text("It is asked for: run_")
    [tick] = desk.ticks(schedule_id, 5)
    visit.press("Pause")
    visit.await_text("Nothing comes while it is paused.")
    visit.press("Resume")
    visit.page.get_by_role("button", name="Pause", exact=True).wait_for()
    visit.press("Remove")
    visit.press("Yes, remove it")
    visit.page.wait_for_url(re.compile(r"/schedules$"))

    assert tick["outcome"] == "fired"
    assert schedule_id not in [one["schedule_id"] for one in desk.schedules()]
    assert visit.complaints == []
    assert visit.strangers == []
