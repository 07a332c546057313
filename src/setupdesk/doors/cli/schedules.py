"""The commands below ``setupdesk schedule``: declarations only, so that ``--help`` stays quick."""

from pathlib import Path
from typing import Annotated

import typer

from setupdesk.doors.cli.data import Json
from setupdesk.doors.cli.flags import (
    End,
    Last,
    MaxTrades,
    RrTarget,
    Settings,
    Setup,
    Size,
    Start,
    SymbolName,
    Text,
    Timerange,
)

schedule = typer.Typer(
    help="Schedules: requests that come again by themselves, every night or as bars close.",
    no_args_is_help=True,
)

ScheduleId = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="Its name, or its id where several have that.")
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")]


@schedule.command()
def add(  # noqa: PLR0913 (the flags that traders know)
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    *,
    cron: Annotated[Text, typer.Option(help='Such as "30 22 * * 1-5", market time.')] = None,
    every: Annotated[Text, typer.Option(help="5m, 1h: real time, from midnight UTC.")] = None,
    at_bar_close: Annotated[Text, typer.Option(help='Such as M15, or "M15 + 3s".')] = None,
    timezone: Annotated[Text, typer.Option(help="Of the cron; the market's, unless said.")] = None,
    catch_up: Annotated[
        Text, typer.Option(help="Of missed ticks: none, last or all(24); last, unless said.")
    ] = None,
    overlap: Annotated[
        Text, typer.Option(help="skip, queue_one, allow or cancel_previous.")
    ] = None,
    start_deadline: Annotated[Text, typer.Option(help="How late it may start: 15m, 12h.")] = None,
    any_day: Annotated[
        bool, typer.Option("--any-day", help="Also when no session was held since the last time.")
    ] = False,
    paused: Annotated[bool, typer.Option("--paused", help="Not before it is resumed.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Look at now instead of a period.")] = False,
    requests: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON, a list of requests, instead of the flags below."),
    ] = None,
    setup: Setup = None,
    symbol: SymbolName = None,
    timeframe: Size = None,
    start: Start = None,
    end: End = None,
    timerange: Timerange = None,
    last: Last = None,
    rr_target: RrTarget = None,
    max_trades: MaxTrades = None,
    set_: Settings = None,
    as_json: Json = False,
) -> None:
    """Have a request made again and again; its runs are the scheduler's."""
    from setupdesk.doors.cli.request_words import build_payload
    from setupdesk.doors.cli.scheduling import add_schedule, read_requests

    payload = build_payload(
        setup=setup,
        symbol=symbol,
        timeframe=timeframe,
        start=start,
        end=end,
        timerange=timerange,
        last=last,
        rr_target=rr_target,
        max_trades=max_trades,
        settings=set_ or [],
    )
    mode = "live" if live else "backtest"
    asked = {
        "name": name,
        "payload": None if requests else {"mode": mode, **payload},
        "payloads": read_requests(requests) if requests else None,
        "cron": cron,
        "every": every,
        "at_bar_close": at_bar_close,
        "timezone": timezone,
        "catch_up": catch_up,
        "overlap": overlap,
        "start_deadline": start_deadline,
        "only_on_sessions": not any_day,
        "paused": paused,
    }
    said = {field: value for field, value in asked.items() if value is not None}
    add_schedule(said, as_json=as_json)


@schedule.command("list")
def list_schedules(*, as_json: Json = False) -> None:
    """List the schedules, each with its next tick."""
    from setupdesk.doors.cli.scheduling import show_schedules

    show_schedules(as_json=as_json)


@schedule.command()
def show(schedule_id: ScheduleId, *, as_json: Json = False) -> None:
    """Show a schedule, its next ticks and its last ones."""
    from setupdesk.doors.cli.scheduling import show_schedule

    show_schedule(schedule_id, as_json=as_json)


@schedule.command()
def pause(schedule_id: ScheduleId, *, as_json: Json = False) -> None:
    """Start nothing until it is resumed; what is due meanwhile is not made up for."""
    from setupdesk.doors.cli.scheduling import pause_schedule

    pause_schedule(schedule_id, pauses=True, as_json=as_json)


@schedule.command()
def resume(schedule_id: ScheduleId, *, as_json: Json = False) -> None:
    """Go on from now."""
    from setupdesk.doors.cli.scheduling import pause_schedule

    pause_schedule(schedule_id, pauses=False, as_json=as_json)


@schedule.command("run-now")
def run_now(schedule_id: ScheduleId, *, as_json: Json = False) -> None:
    """Ask at once for what it asks for."""
    from setupdesk.doors.cli.scheduling import run_schedule_now

    run_schedule_now(schedule_id, as_json=as_json)


@schedule.command()
def remove(schedule_id: ScheduleId, *, as_json: Json = False) -> None:
    """Let it start nothing more; its ticks are kept."""
    from setupdesk.doors.cli.scheduling import remove_schedule

    remove_schedule(schedule_id, as_json=as_json)


@schedule.command("next")
def show_next(*, limit: Limit = 10, as_json: Json = False) -> None:
    """List the coming ticks of all schedules, in UTC and market time."""
    from setupdesk.doors.cli.scheduling import show_next_ticks

    show_next_ticks(limit, as_json=as_json)


@schedule.command("ticks")
def show_ticks(schedule_id: ScheduleId, *, limit: Limit = 20, as_json: Json = False) -> None:
    """List what became of its ticks, and why."""
    from setupdesk.doors.cli.scheduling import show_ticks

    show_ticks(schedule_id, limit, as_json=as_json)
