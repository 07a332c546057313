"""How soon the web desk answers in a Chromium, on a desk at rest and while two backtests run.

It needs what `make browser` has installed: `.venv-browser/bin/python -m bench.web_desk`, about
three minutes.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from typing import Any

from bench.click_to_started import MARKET, show
from setupdesk.client import Client, connect
from setupdesk.settings import load_settings
from setupdesk.supervisor import find_desk, start_detached, stop
from tests.browser.served_pages import FLAGS

TIMES = 15
RUN_ID = re.compile(r"run_\d{4}_\d\d_\d\d_\d+")
HAS_CHANGED = """(before) => {
  const values = document.querySelectorAll("[data-testid='stMetricValue']");
  return values.length > 1 && values[1].innerText !== before;
}"""
BUSY = {
    "setup_id": "VWAP_fade_v1",
    "symbol": "GER40",
    "timeframe": "M5",
    "start": "2024-11-01",
    "end": "2025-10-31",
}
"""Of a timeframe and a period that keep an executor busy."""


def main() -> None:
    """Measure a desk at rest, then one that works, and print the figures."""
    from playwright.sync_api import sync_playwright

    os.environ["SETUPDESK_UI"] = "1"  # noqa: TID251 (what the tests share leaves the pages out)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        ports = dict.fromkeys(("SETUPDESK_PORT", "SETUPDESK_PREFECT_PORT"), "0")
        settings = load_settings({"SETUPDESK_HOME": folder, **ports})
        start_detached(settings)
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            with connect(settings) as desk:
                desk.simulate_bars(MARKET)
                address = (find_desk(settings) or {})["processes"]["ui"]["address"]
                page = open_page(browser, address)
                measure(page, "at rest", lambda: None)
                measure(page, "two backtests run", lambda: keep_busy(desk))
        finally:
            browser.close()
            stop(settings)


def open_page(browser: Any, address: str) -> Any:
    """Open the form, with a first visit to each page, so that nothing is compiled any more."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(address)
    start_run(page)
    go_to_runs(page)
    go_to_form(page)
    return page


def measure(page: Any, when: str, prepare: Callable[[], None]) -> None:
    """Do what a trader does, again and again, and print how long each answer took."""
    deeds = {
        "Start -> run_id on the screen": start_run,
        "to the list of runs": go_to_runs,
        "to the form": go_to_form,
        "another timeframe -> what becomes of it": change_timeframe,
    }
    took: dict[str, list[float]] = {name: [] for name in deeds}
    for _ in range(TIMES):
        prepare()
        for name, deed in deeds.items():
            took[name].append(deed(page))
    for name, seconds in took.items():
        show(f"{when}: {name}", seconds)


def keep_busy(desk: Client) -> None:
    """See to it that some backtests are there to be run: two run at once, the others wait."""
    for _ in range(12 - len(desk.queue(12)["waiting"])):
        desk.ask(BUSY)


def start_run(page: Any) -> float:
    """Press Start, and wait for the id of the run."""
    button = page.get_by_role("button", name="Start", exact=True)
    return take_time(button.click, page.get_by_text(RUN_ID).first.wait_for)


def go_to_runs(page: Any) -> float:
    """Go to the list, and wait for its table."""
    link = page.get_by_role("link", name="Runs", exact=True)
    return take_time(link.click, lambda: page.wait_for_selector(".st-key-runs_table canvas"))


def go_to_form(page: Any) -> float:
    """Go to the form, and wait for its button."""
    link = page.get_by_role("link", name="New request", exact=True)
    start = page.get_by_role("button", name="Start", exact=True)
    return take_time(link.click, start.wait_for)


def change_timeframe(page: Any) -> float:
    """Choose another timeframe, and wait for its number of bars."""
    form = page.locator(".st-key-form_timeframe")
    other = form.get_by_role("radio", checked=False).first
    before = page.get_by_test_id("stMetricValue").nth(1).inner_text()
    return take_time(other.click, lambda: page.wait_for_function(HAS_CHANGED, arg=before))


def take_time(deed: Callable[[], object], wait: Callable[[], object]) -> float:
    """Give the seconds from a deed to what is waited for."""
    began = time.perf_counter()
    deed()
    wait()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
