"""The commands below ``setupdesk saved``: declarations only, so that ``--help`` stays quick."""

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

saved = typer.Typer(
    help="Saved requests: what you ask for often, under a name of yours.", no_args_is_help=True
)

Named = Annotated[str, typer.Argument(metavar="NAME", help="Its name, or its id.")]


@saved.command()
def add(  # noqa: PLR0913 (the flags that traders know)
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    *,
    run: Annotated[
        Text, typer.Option(metavar="RUN", help="What this run was asked for; flags change it.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="One look instead of a backtest.")] = False,
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
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of the one of this name.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Save a request; `backtest --saved NAME` asks for it, with a period that moves on."""
    from setupdesk.doors.cli.request_words import build_payload
    from setupdesk.doors.cli.saving import save_request

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
    asked = payload | ({"mode": "live"} if live else {})
    save_request(name, asked, of_run=run, replaces=replace, as_json=as_json)


@saved.command("list")
def list_saved(*, as_json: Json = False) -> None:
    """List your saved requests, each with the command that asks for it."""
    from setupdesk.doors.cli.saving import show_saved

    show_saved(as_json=as_json)


@saved.command()
def remove(name: Named, *, as_json: Json = False) -> None:
    """Forget a saved request; runs that were asked for with it stay."""
    from setupdesk.doors.cli.saving import remove_saved

    remove_saved(name, as_json=as_json)
