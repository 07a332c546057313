"""Draw the pictures of the web desk: `.venv-browser/bin/python -m docs.draw_web`.

It starts a desk of its own with one backtest on the simulated market, and needs what
`make browser` has installed.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from setupdesk.client import connect
from setupdesk.settings import Settings, load_settings
from setupdesk.supervisor import find_desk, start_detached, stop
from tests.browser.served_pages import Visit
from tests.browser.test_report_page import FLAGS

DOCS = Path(__file__).parent
MARKET = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-06-30", "seed": 1}
BACKTEST = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "mode": "backtest",
    "start": "2024-11-01",
    "end": "2025-06-30",
}
SIZE = {"width": 1200, "height": 800}


def main() -> None:
    """Make a desk with one run, and take a picture of each page in both themes."""
    os.environ["SETUPDESK_UI"] = "1"  # noqa: TID251 (what the tests share leaves the pages out)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "setupdesk.toml").write_text('owner = "trader"\n')
        ports = dict.fromkeys(("SETUPDESK_PORT", "SETUPDESK_PREFECT_PORT"), "0")
        settings = load_settings({"SETUPDESK_HOME": folder, **ports})
        start_detached(settings)
        try:
            draw(settings)
        finally:
            stop(settings)


def draw(settings: Settings) -> None:
    """Run a backtest and take the pictures."""
    from playwright.sync_api import sync_playwright

    with connect(settings) as desk:
        desk.simulate_bars(MARKET)
        handle = desk.handle(desk.ask(BACKTEST)["run_id"])
        handle.wait()
    address = (find_desk(settings) or {})["processes"]["ui"]["address"]
    with sync_playwright() as playwright:
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for scheme in ("light", "dark"):
            take_pictures(browser, address, handle.run_id, scheme)
        browser.close()


def take_pictures(browser: Any, address: str, run_id: str, scheme: str) -> None:
    """Take the pictures of one theme."""
    places = {
        "new": "/",
        "runs": "/runs",
        "run": f"/run?run={run_id}",
        "setups": "/setups?setup=IB_raid_v1",
        "data": "/data",
    }
    for name, place in places.items():
        visit = Visit(browser, address, place, color_scheme=scheme)
        visit.page.set_viewport_size(SIZE)
        visit.page.wait_for_load_state("networkidle")
        visit.page.wait_for_timeout(3_000)
        visit.page.screenshot(path=DOCS / f"web-{name}-{scheme}.png")
        if name == "run":
            show_trade(visit, run_id)
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
