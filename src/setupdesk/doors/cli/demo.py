"""The demo: the whole road of a request, on a simulated market, with nothing left behind."""

from setupdesk.doors.cli.access import reach_running_desk, show
from setupdesk.doors.cli.asking import ask_and_show
from setupdesk.settings import load_settings
from setupdesk.supervisor import stop

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
    """Simulate a market, backtest a setup on it, show everything, and stop the desk."""
    try:
        desk = reach_running_desk()
        desk.simulate_bars(MARKET)
        ask_and_show(PAYLOAD, as_json=False, detach=False, inline=False)
        newest = desk.runs(1)[0]["run_id"]
        show(f"\nThe log of {newest}:")
        show("\n".join(desk.log_lines(newest)))
    finally:
        stop(load_settings())
