"""The demo: the whole road of a request, on a simulated market, with nothing left behind."""

from dataclasses import replace

import typer
from rich.console import Console

from setupdesk.client import Client, connect
from setupdesk.core.printing import tell_story
from setupdesk.core.run import Door
from setupdesk.doors.cli.access import RUN_FAILED, say, show
from setupdesk.doors.cli.asking import follow, show_end, show_receipt
from setupdesk.doors.cli.files import write_file
from setupdesk.settings import Settings, load_settings
from setupdesk.supervisor import start_detached, stop

MARKET = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-10-31", "seed": 22}
PAYLOAD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-05-01",
    "end": "2025-10-31",
    "mode": "backtest",
}


def run_demo() -> None:
    """Simulate a market, backtest a setup on it, show everything, and stop the desk.

    It has a home of its own, so that it touches nobody's bars and stops nobody's desk.
    """
    settings = load_settings()
    settings = replace(settings, home=settings.home / "demo")
    say(f"A desk starts in {settings.home}; it is stopped at the end.")
    start_detached(settings)
    try:
        with connect(settings, Door.CLI) as desk:
            desk.simulate_bars(MARKET)
            receipt = desk.ask(PAYLOAD)
            show_receipt(receipt)
            run = follow(desk, receipt["run_id"])
            show(f"\nIts log:\n{tell_story(desk.log_events(run['run_id']))}\n")
            show_end(desk, run, Console())
            if run["state"] == "completed":
                _write_page(desk, settings, run["run_id"])
    finally:
        stop(settings)
    if run["state"] != "completed":
        raise typer.Exit(RUN_FAILED)


def _write_page(desk: Client, settings: Settings, run_id: str) -> None:
    page = settings.home / f"{run_id}.html"
    write_file(page, desk.report_page(run_id).encode())
    say(f"\nThe report as a page, for any browser: {page}")
