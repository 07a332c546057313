"""The demo of a watch: a simulated market is played fast, and what triggers is told at once."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from setupdesk.client import Client, connect
from setupdesk.core.run import UNDER_WAY, Door
from setupdesk.doors.cli.access import RUN_FAILED, say, show
from setupdesk.doors.cli.alerts import MOST, Following, tell_event, tell_record
from setupdesk.doors.cli.asking import follow
from setupdesk.doors.cli.watched import tell_outcome
from setupdesk.settings import load_settings
from setupdesk.supervisor import start_detached, stop

if TYPE_CHECKING:
    from setupdesk.doors.cli.access import Access

MARKET = {"symbol": "GER40", "start": "2024-10-01", "end": "2025-05-30", "seed": 1}
LOOK = {"setup_id": "IB_raid_v1", "symbol": "GER40", "timeframe": "M15", "mode": "live"}
SETUPS = ["IB_raid_v1", "IB_breakout_v1", "ORB30_break_v1"]
WATCH = {
    "name": "demo",
    "setups": SETUPS,
    "symbols": ["GER40"],
    "timeframe": "M15",
    "feed": "replay",
    "replay_from": "2025-05-12 08:00",
    "speed": 7200,
    "every": "1s",
    "expires": "1d",
}
CHANNEL = {"name": "log of the service", "url": "log:", "events": ["alert"]}

SECONDS = 40.0
LONGEST_POLL = 10.0
_PAUSE = 0.25


def run_demo_live() -> None:
    """Watch three setups on a market that is played fast, tell what comes, and stop the desk.

    It has a home of its own, so that it touches nobody's bars and stops nobody's desk.
    """
    settings = load_settings()
    settings = replace(settings, home=settings.home / "demo-live")
    say(f"A desk starts in {settings.home}; it is stopped at the end.")
    start_detached(settings)
    try:
        with connect(settings, Door.CLI) as desk:
            _prepare(desk)
            following = Following(desk, desk.add_watch(WATCH)["watch_id"])
            try:
                _follow(following)
            finally:
                desk.end_watch(following.watch_id)
            has_looked = _sum_up(following)
    finally:
        stop(settings)
    if not has_looked:
        raise typer.Exit(RUN_FAILED)


def _prepare(desk: Client) -> None:
    say("It simulates GER40, and looks once, so that all is compiled before the market moves.")
    desk.simulate_bars(MARKET)
    follow(desk, desk.ask(LOOK)["run_id"])
    if not [one for one in desk.channels() if one["name"] == CHANNEL["name"]]:
        desk.add_channel(CHANNEL)
    show(
        f"\nA watch looks at {', '.join(SETUPS)} on GER40 M15.\n"
        f"Stored bars from {WATCH['replay_from']} Berlin time on are played as if they came now, "
        f"two hours of the market a second.\n"
        f"Each second the newest closed bars are looked at, as a backtest would; a setup that "
        f"triggers is an alert.\n"
        f"Its outcome follows when the market has settled it. R is what was risked.\n"
    )


def _follow(following: Following) -> None:
    ends_at = time.monotonic() + SECONDS
    while time.monotonic() < ends_at:
        _show_new(following)
        time.sleep(_PAUSE)


def _show_new(following: Following) -> None:
    for event, said in following.look():
        if line := tell_event(event, said):
            show(line)


def _sum_up(following: Following) -> bool:
    desk, watch_id = following.desk, following.watch_id
    polls = _await_polls(desk, watch_id)
    _show_new(following)
    alerts = desk.alerts(MOST, watch_id)
    show(f"\n{len(polls)} polls, each a run in the ledger and in Prefect. {tell_record(alerts)}")
    told = [one for alert in alerts for one in alert["told"] if one["outcome"] == "delivered"]
    show(f"{len(told)} alerts were told to a channel, here the log of the service.")
    compared = follow(desk, desk.ask({"mode": "backtest", "watch": watch_id})["run_id"])
    show(f"A backtest of the same bars, beside what was said live: {_tell_parity(compared)}.")
    show("These bars are simulated, and few: what they made in R says nothing of a setup.")
    say(f"Yours: {_COMMAND}")
    return any(one["state"] == "completed" for one in polls)


def _tell_parity(run: Mapping[str, Any]) -> str:
    return tell_outcome(run["summary"]) if run["summary"] else f"{run['state']}, {run['reason']}"


_COMMAND = "`setupdesk watch -s IB_raid_v1 -p GER40 -i M15 --follow`; docs/watching.md says more."


def _await_polls(desk: "Access", watch_id: str) -> Sequence[Mapping[str, Any]]:
    """Give all polls, once the last one is over."""
    until = time.monotonic() + LONGEST_POLL
    while True:
        polls = desk.polls(watch_id, MOST)
        under_way = [one for one in polls if one["state"] in UNDER_WAY]
        if not under_way or time.monotonic() > until:
            return polls
        time.sleep(_PAUSE)
