"""Draw the pictures of the web desk: `.venv-browser/bin/python -m docs.draw_web`.

It starts a desk of its own with runs, a schedule and a watch on the simulated market, and needs
what `make browser` has installed.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from setupdesk.client import Client, connect
from setupdesk.doors.ui.new_request import SIMULATED
from setupdesk.settings import Settings, load_settings
from setupdesk.supervisor import find_desk, start_detached, stop
from tests.browser.served_pages import FLAGS, Visit

DOCS = Path(__file__).parent
HOME = Path(tempfile.gettempdir()) / "setupdesk"
"""The picture of System shows it, so it is the same on every machine."""

BACKTEST = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "mode": "backtest",
    "start": "2024-11-01",
    "end": "2025-06-30",
}
OPTIONS: tuple[dict[str, Any], ...] = ({}, {"rr_target": 2})
NIGHTLY = {
    "name": "nightly IB raid",
    "cron": "30 22 * * mon-fri",
    "payload": {
        "setup_id": "IB_raid_v1",
        "symbol": "GER40",
        "timeframe": "M15",
        "mode": "backtest",
        "last": "6m",
    },
}
WATCH = {
    "setups": ["IB_raid_v1", "ORB30_break_v1"],
    "symbols": ["GER40"],
    "timeframe": "M15",
    "feed": "replay",
    "replay_from": "2025-06-02",
    "speed": 10_000,
    "every": "5s",
}
SIZE = {"width": 1200, "height": 800}


def main() -> None:
    """Make a desk with one run, and take a picture of each page in both themes."""
    os.environ["SETUPDESK_UI"] = "1"  # noqa: TID251 (what the tests share leaves the pages out)
    HOME.mkdir()
    (HOME / "setupdesk.toml").write_text('owner = "trader"\n')
    settings = load_settings({"SETUPDESK_HOME": str(HOME)})
    start_detached(settings)
    try:
        draw(settings)
    finally:
        stop(settings)
        shutil.rmtree(HOME)


def draw(settings: Settings) -> None:
    """Give the desk something of everything, and take the pictures."""
    from playwright.sync_api import sync_playwright

    with connect(settings) as desk:
        places = fill(desk)
    address = (find_desk(settings) or {})["processes"]["ui"]["address"]
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for scheme in ("light", "dark"):
            for name, place in places.items():
                take_picture(browser, address + place, name, scheme)
        browser.close()


def fill(desk: Client) -> dict[str, str]:
    """Run, refuse, schedule and watch something; give the places of the pages by their names."""
    desk.simulate_bars(SIMULATED)
    runs = [desk.ask(BACKTEST | {"options": options})["run_id"] for options in OPTIONS]
    desk.ask(BACKTEST | {"symbol": "GER4O"})
    for run_id in runs:
        desk.handle(run_id).wait()
    desk.change_run(runs[0], {"name": "First try", "tags": ["ib", "germany"]})
    schedule_id = desk.add_schedule(NIGHTLY)["schedule_id"]
    watch_id = desk.add_watch(WATCH)["watch_id"]
    while len(desk.alerts(10, watch_id)) < 4:
        time.sleep(1)
    return {
        "new": "/",
        "runs": "/runs",
        "run": f"/run?run={runs[0]}",
        "compare": "/compare?" + "&".join(f"run={one}" for one in runs),
        "live": f"/live?watch={watch_id}",
        "schedules": f"/schedules?schedule={schedule_id}",
        "setups": "/setups?setup=IB_raid_v1",
        "data": "/data?data=GER40+M1",
        "audit": "/audit",
        "system": "/system",
    }


def take_picture(browser: Any, address: str, name: str, scheme: str) -> None:
    """Take the picture of one page in one theme."""
    visit = Visit(browser, address, "", color_scheme=scheme)
    visit.page.set_viewport_size(SIZE)
    visit.page.wait_for_load_state("networkidle")
    visit.page.wait_for_timeout(3_000)
    if name == "live":
        visit.page.locator(".chart").scroll_into_view_if_needed()
    visit.page.screenshot(path=DOCS / f"web-{name}-{scheme}.png")
    if name == "run":
        show_trade(visit, address.rpartition("=")[2])
        visit.page.screenshot(path=DOCS / f"web-candles-{scheme}.png")
    visit.page.close()


def show_trade(visit: Visit, run_id: str) -> None:
    """Choose a trade in the table, so that the candles show it."""
    table = visit.page.locator(f".st-key-trades_{run_id} canvas").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    visit.page.mouse.click(box["x"] + 18, box["y"] + 35 * 7 + 17)
    visit.page.mouse.move(0, 0)
    visit.page.wait_for_selector(".chart[data-chosen='7']", state="attached")
    visit.page.wait_for_timeout(1_500)


if __name__ == "__main__":
    main()
