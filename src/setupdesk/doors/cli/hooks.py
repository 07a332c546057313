"""The commands below ``setupdesk hook``: declarations only, so that ``--help`` stays quick."""

from typing import Annotated

import typer

from setupdesk.doors.cli.data import Json

hook = typer.Typer(
    help="Webhooks in: addresses at which TradingView, or another program, starts a run.",
    no_args_is_help=True,
)

Text = str | None


@hook.command()
def add(  # noqa: PLR0913 (the flags that traders know)
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    *,
    kind: Annotated[
        str, typer.Option(help="tradingview, or standard: signed as Standard Webhooks.")
    ] = "tradingview",
    setup: Annotated[Text, typer.Option("--setup", "-s", "--strategy", help="Setup id.")] = None,
    symbol: Annotated[Text, typer.Option("--symbol", "-p", "--pair", help="GER40, ...")] = None,
    timeframe: Annotated[
        Text, typer.Option("--timeframe", "-i", "--tf", help="M1 M5 M15 H1 H4 D1")
    ] = None,
    start: Annotated[Text, typer.Option(help="First day, market date.")] = None,
    end: Annotated[Text, typer.Option(help="Last day, inclusive.")] = None,
    last: Annotated[Text, typer.Option(help="10d, 6w, 6m, 1y or ytd, to the newest bar.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Look at now instead of a period.")] = False,
    rr_target: Annotated[
        Text, typer.Option("--rr-target", "--rr", help="Target as a multiple of the risk.")
    ] = None,
    max_trades: Annotated[Text, typer.Option(help="Fills per session.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setup's own param.")
    ] = None,
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
    from setupdesk.doors.cli.access import refuse_usage
    from setupdesk.doors.cli.request_words import build_payload
    from setupdesk.doors.cli.webhooks import add_hook

    if wrong := [setting for setting in set_ or [] if "=" not in setting]:
        refuse_usage(f"--set takes KEY=VALUE, not {wrong[0]!r}.")
    payload = build_payload(
        setup=setup,
        symbol=symbol,
        timeframe=timeframe,
        start=start,
        end=end,
        timerange=None,
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
