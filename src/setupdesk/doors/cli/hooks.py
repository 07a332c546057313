"""The commands below ``setupdesk hook``: declarations only, so that ``--help`` stays quick."""

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
)

hook = typer.Typer(
    help="Webhooks in: addresses at which TradingView, or another program, starts a run.",
    no_args_is_help=True,
)


@hook.command()
def add(  # noqa: PLR0913 (the flags that traders know)
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    *,
    kind: Annotated[
        str, typer.Option(help="tradingview, or standard: signed as Standard Webhooks.")
    ] = "tradingview",
    setup: Setup = None,
    symbol: SymbolName = None,
    timeframe: Size = None,
    start: Start = None,
    end: End = None,
    last: Last = None,
    live: Annotated[bool, typer.Option("--live", help="Look at now instead of a period.")] = False,
    rr_target: RrTarget = None,
    max_trades: MaxTrades = None,
    set_: Settings = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="What an alert may set: symbol, timeframe, options.rr_target, ..."),
    ] = None,
    sender: Annotated[
        list[str] | None, typer.Option(help="An address or network that alerts may come from.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a hook; its address, its secret and the message to paste are shown this once."""
    from setupdesk.doors.cli.request_words import build_payload
    from setupdesk.doors.cli.webhooks import add_hook

    payload = build_payload(
        setup=setup,
        symbol=symbol,
        timeframe=timeframe,
        start=start,
        end=end,
        last=last,
        rr_target=rr_target,
        max_trades=max_trades,
        dry_run=False,
        settings=set_ or [],
    )
    asked = {**payload, "mode": "live"} if live else payload
    said = {"name": name, "kind": kind, "payload": asked}
    add_hook({**said, "fields": field or [], "senders": sender or []}, as_json=as_json)


@hook.command("list")
def list_hooks(*, as_json: Json = False) -> None:
    """List the hooks, revoked ones too."""
    from setupdesk.doors.cli.webhooks import show_hooks

    show_hooks(as_json=as_json)


@hook.command()
def revoke(
    hook_id: Annotated[str, typer.Argument(metavar="HOOK", help="Its id, of `hook list`.")],
    *,
    as_json: Json = False,
) -> None:
    """Let a hook start nothing more."""
    from setupdesk.doors.cli.webhooks import revoke_hook

    revoke_hook(hook_id, as_json=as_json)
