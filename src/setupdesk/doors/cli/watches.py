"""The commands of watches and alerts: declarations only, so that ``--help`` stays quick."""

from typing import Annotated

import typer

from setupdesk.doors.cli.data import Json
from setupdesk.doors.cli.flags import MaxTrades, RrTarget, Settings, Size, Text

WatchId = Annotated[
    str, typer.Argument(metavar="WATCH", help="Its name, or its id where several have that.")
]
AnyWatch = Annotated[
    Text, typer.Argument(metavar="[WATCH]", help="Its name or id; all when left out.")
]
Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Print alerts and outcomes as they come.")
]


def watch(  # noqa: PLR0913 (the flags that traders know)
    *,
    setups: Annotated[
        list[str] | None,
        typer.Option("--setup", "-s", "--strategy", help="Setup id; may be given several times."),
    ] = None,
    symbols: Annotated[
        list[str] | None,
        typer.Option("--symbol", "-p", "--pair", help="GER40, ...; may be given several times."),
    ] = None,
    timeframe: Size = None,
    every: Annotated[Text, typer.Option(help="When it looks: 10s, 1m.")] = None,
    at_bar_close: Annotated[
        Text, typer.Option(help='When it looks: "M15 + 3s", which is usual.')
    ] = None,
    feed: Annotated[
        Text, typer.Option(help="push, replay, ccxt, ...; that of the stored bars, unless said.")
    ] = None,
    begins: Annotated[
        Text, typer.Option("--from", help="Of a replay: where it begins, market time.")
    ] = None,
    speed: Annotated[
        Text, typer.Option(help="Of a replay: how many times as fast; 60, unless said.")
    ] = None,
    expires: Annotated[
        Text, typer.Option(help="30m: an older alert is shown, and not sent; 2 bars.")
    ] = None,
    rr_target: RrTarget = None,
    max_trades: MaxTrades = None,
    set_: Settings = None,
    name: Annotated[Text, typer.Option(help="What you call it.")] = None,
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """Watch setups on symbols as bars close, and tell when one of them triggers."""
    from setupdesk.doors.cli.watching import add_watch, build_watch

    rhythm = {"every": every, "at_bar_close": at_bar_close}
    replay = {"feed": feed, "replay_from": begins, "speed": speed}
    said = build_watch(
        {"setups": setups, "symbols": symbols, "timeframe": timeframe, "name": name},
        {**rhythm, **replay, "expires": expires},
        {"rr_target": rr_target, "max_trades": max_trades},
        set_ or [],
    )
    add_watch(said, follows=follow, as_json=as_json)


def watches(
    watch_id: AnyWatch = None,
    *,
    ended: Annotated[bool, typer.Option("--all", help="Also those that look no more.")] = False,
    as_json: Json = False,
) -> None:
    """List the watches, or show where each look of one stands."""
    from setupdesk.doors.cli.watching import show_watch, show_watches

    if watch_id is None:
        show_watches(ended=ended, as_json=as_json)
    else:
        show_watch(watch_id, as_json=as_json)


def unwatch(watch_id: WatchId, *, as_json: Json = False) -> None:
    """Let a watch look no more; what it has raised stays."""
    from setupdesk.doors.cli.watching import end_watch

    end_watch(watch_id, as_json=as_json)


def alerts(
    watch_id: AnyWatch = None,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    follow: Follow = False,
    as_json: Json = False,
) -> None:
    """List the newest alerts, to whom they were told, and what became of them."""
    from setupdesk.doors.cli.access import refuse_usage
    from setupdesk.doors.cli.alerts import follow_watch, show_alerts

    if follow and watch_id is None:
        refuse_usage("--follow takes one watch: `setupdesk alerts WATCH --follow`.")
    if follow:
        follow_watch(str(watch_id), as_json=as_json)
    else:
        show_alerts(watch_id, limit, as_json=as_json)
