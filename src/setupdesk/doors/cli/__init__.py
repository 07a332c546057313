"""The command line: thin, and quick to say ``--help``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from setupdesk.doors.cli.channels import channel
from setupdesk.doors.cli.data import Json, data
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
from setupdesk.doors.cli.hooks import hook
from setupdesk.doors.cli.keys import keys
from setupdesk.doors.cli.saved import saved
from setupdesk.doors.cli.schedules import schedule
from setupdesk.doors.cli.setups import setups
from setupdesk.doors.cli.speech import choose_at_prompt, speak_usual, tell
from setupdesk.doors.cli.symbols import symbols
from setupdesk.doors.cli.telegram import telegram
from setupdesk.doors.cli.watches import alerts, unwatch, watch, watches
from setupdesk.doors.cli.web import web

app = typer.Typer(
    name="setupdesk",
    help="A self-hosted desk for trading setups.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data, name="data")
app.add_typer(keys, name="key")
app.add_typer(setups, name="setups")
app.add_typer(symbols, name="symbols")
app.add_typer(hook, name="hook")
app.add_typer(channel, name="channel")
app.add_typer(schedule, name="schedule")
app.add_typer(saved, name="saved")
app.add_typer(telegram, name="telegram")
app.add_typer(web, name="web")

RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run_id, such as run_2025_10_31_001.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Do not wait.")]
Inline = Annotated[bool, typer.Option("--inline", help="In this process, without Prefect.")]
Saved = Annotated[
    Text, typer.Option("--saved", metavar="NAME", help="A saved request; flags change it.")
]
RequestKey = Annotated[
    Text, typer.Option(help="Of a request sent before: gives its receipt, starts nothing.")
]


def _show_version(wanted: bool) -> None:  # noqa: FBT001 (Typer's way)
    if wanted:
        from setupdesk import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _any_command(  # noqa: PLR0913 (how a desk is reached)
    context: typer.Context,
    *,
    server: Annotated[
        Text, typer.Option(metavar="URL", help="Another desk than that of the home.")
    ] = None,
    key: Annotated[
        Text, typer.Option(help="Its key; SETUPDESK_KEY is better, for others may see arguments.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Its certificate, if nobody signed it; a PEM file.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Ask another machine by http all the same.")
    ] = False,
    lang: Annotated[  # noqa: ARG001 (its callback has chosen it)
        Text,
        typer.Option(
            metavar="en|ru",
            callback=choose_at_prompt,
            is_eager=True,
            help="The language; that of the environment, unless said.",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 (its callback has shown it)
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    from setupdesk.doors.cli.access import choose_remote, find_remote, refuse_usage

    choose_remote(server, key, certificate, insecure=insecure)
    if (remote := find_remote()) and context.invoked_subcommand in _AT_HOME:
        refuse_usage(
            f"`setupdesk {context.invoked_subcommand}` works in the home of a desk, on its own "
            f"machine; {remote.server.address} is reached by its API only. Leave --server "
            f"out, and SETUPDESK_SERVER unset."
        )


_AT_HOME = ("up", "down", "doctor", "backup", "restore", "demo")


@app.command()
def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="In the background.")] = False,
) -> None:
    """Start the desk: the service, the executor and Prefect."""
    from setupdesk.doors.cli.running import start_desk

    start_desk(detach=detach)


@app.command()
def down() -> None:
    """Stop the desk and all its processes."""
    from setupdesk.doors.cli.running import stop_desk

    stop_desk()


@app.command()
def status(*, as_json: Json = False) -> None:
    """Show the desk's processes."""
    from setupdesk.doors.cli.running import show_status

    show_status(as_json=as_json)


@app.command()
def backtest(  # noqa: PLR0913 (the flags that traders know)
    *,
    setup: Setup = None,
    symbol: SymbolName = None,
    timeframe: Size = None,
    start: Start = None,
    end: End = None,
    timerange: Timerange = None,
    last: Last = None,
    rr_target: RrTarget = None,
    max_trades: MaxTrades = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only plan.")] = False,
    set_: Settings = None,
    as_json: Json = False,
    detach: Detach = False,
    inline: Inline = False,
    saved: Saved = None,
    request_key: RequestKey = None,
) -> None:
    """Backtest a setup."""
    from setupdesk.doors.cli.asking import ask_and_show
    from setupdesk.doors.cli.request_words import build_payload

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
        dry_run=dry_run or None,
        settings=set_ or [],
    )
    if saved:
        from setupdesk.doors.cli.saving import take_up

        payload = take_up(saved, "backtest", payload, inline=inline)
    ask_and_show(
        {"mode": "backtest"} | payload, request_key, as_json=as_json, detach=detach, inline=inline
    )


@app.command()
def rerun(  # noqa: PLR0913 (the flags that traders know)
    run_id: RunId,
    *,
    setup: Setup = None,
    symbol: SymbolName = None,
    timeframe: Size = None,
    start: Start = None,
    end: End = None,
    timerange: Timerange = None,
    last: Last = None,
    rr_target: RrTarget = None,
    max_trades: MaxTrades = None,
    dry_run: Annotated[
        bool | None, typer.Option("--dry-run/--no-dry-run", help="Only plan, or more than that.")
    ] = None,
    set_: Settings = None,
    as_json: Json = False,
    detach: Detach = False,
    inline: Inline = False,
    request_key: RequestKey = None,
) -> None:
    """Ask for what a run was asked for, with the changes that the flags name."""
    from setupdesk.doors.cli.asking import ask_and_show
    from setupdesk.doors.cli.request_words import build_payload

    changes = build_payload(
        setup=setup,
        symbol=symbol,
        timeframe=timeframe,
        start=start,
        end=end,
        timerange=timerange,
        last=last,
        rr_target=rr_target,
        max_trades=max_trades,
        dry_run=dry_run,
        settings=set_ or [],
    )
    ask_and_show(
        changes, request_key, as_json=as_json, detach=detach, inline=inline, rerun_of=run_id
    )


app.command("backtesting", hidden=True)(backtest)


@app.command()
def parity(  # noqa: PLR0913 (a period, and how it is asked)
    watch: Annotated[str, typer.Argument(metavar="WATCH", help="The name or id of a watch.")],
    *,
    start: Annotated[Text, typer.Option("--from", help="First day, market date.")] = None,
    end: Annotated[Text, typer.Option("--to", help="Last day, inclusive.")] = None,
    last: Annotated[Text, typer.Option(help="1d, 10d, 6w: up to yesterday.")] = None,
    as_json: Json = False,
    detach: Detach = False,
    inline: Inline = False,
    request_key: RequestKey = None,
) -> None:
    """Compare what a watch said with a backtest of the same days, and say why they differ."""
    from setupdesk.doors.cli.access import reach_desk
    from setupdesk.doors.cli.asking import ask_and_show

    watch_id = reach_desk(inline=inline).watch(watch)["watch_id"]
    said = {"start": start, "end": end, "last": last}
    period = {name: value for name, value in said.items() if value is not None}
    asked = {"mode": "backtest", "watch": watch_id, **period}
    ask_and_show(asked, request_key, as_json=as_json, detach=detach, inline=inline)


@app.command()
def analyze(  # noqa: PLR0913 (the flags that traders know)
    *,
    setup: Setup = None,
    symbol: SymbolName = None,
    timeframe: Size = None,
    at: Annotated[
        Text, typer.Option(help="As of when, on the clock of the market; else the newest bar.")
    ] = None,
    rr_target: RrTarget = None,
    max_trades: MaxTrades = None,
    set_: Settings = None,
    as_json: Json = False,
    detach: Detach = False,
    inline: Inline = False,
    saved: Saved = None,
    request_key: RequestKey = None,
) -> None:
    """Look once at the market: where a setup stands, what is near, what mostly came next."""
    from setupdesk.doors.cli.asking import ask_and_show
    from setupdesk.doors.cli.request_words import build_payload

    payload = build_payload(
        setup=setup,
        symbol=symbol,
        timeframe=timeframe,
        rr_target=rr_target,
        max_trades=max_trades,
        settings=set_ or [],
    )
    moment = {"at": at} if at else {}
    if saved:
        from setupdesk.doors.cli.saving import take_up

        payload = take_up(saved, "live", payload, inline=inline)
    asked = {"mode": "live", **payload, **moment}
    ask_and_show(asked, request_key, as_json=as_json, detach=detach, inline=inline)


app.command()(watch)
app.command()(watches)
app.command()(unwatch)
app.command()(alerts)


@app.command()
def runs(  # noqa: PLR0913 (what runs can be searched by)
    *,
    queue: Annotated[bool, typer.Option("--queue", help="Who runs, who waits, for what.")] = False,
    state: Annotated[
        list[str] | None, typer.Option(help="Such as failed; may be given several times.")
    ] = None,
    setup: Annotated[Text, typer.Option("--setup", "-s", "--strategy", help="Setup id.")] = None,
    symbol: Annotated[Text, typer.Option("--symbol", "-p", "--pair", help="GER40, ...")] = None,
    timeframe: Annotated[
        Text, typer.Option("--timeframe", "-i", "--tf", help="M1 M5 M15 H1 H4 D1")
    ] = None,
    mode: Annotated[Text, typer.Option(help="backtest or live.")] = None,
    door: Annotated[Text, typer.Option(help="cli, api, prefect, ...")] = None,
    user: Annotated[Text, typer.Option(help="Who asked.")] = None,
    since: Annotated[Text, typer.Option(help="First day of acceptance, UTC.")] = None,
    until: Annotated[Text, typer.Option(help="Last day of acceptance, inclusive.")] = None,
    search: Annotated[
        Text, typer.Option(help="Words of ids, market, user, reason, name, notes or tags.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Of the run; may be given several times.")
    ] = None,
    watch: Annotated[Text, typer.Option(help="Of a watch: its polls and comparisons.")] = None,
    cursor: Annotated[Text, typer.Option(help="Of the page before.")] = None,
    limit: Limit = 20,
    as_json: Json = False,
) -> None:
    """List the newest runs, or the queue."""
    from setupdesk.doors.cli.access import refuse_usage
    from setupdesk.doors.cli.queue import show_queue
    from setupdesk.doors.cli.showing import show_runs

    asked = {
        "state": state,
        "setup_id": setup,
        "symbol": symbol,
        "timeframe": timeframe,
        "mode": mode,
        "door": door,
        "user": user,
        "since": since,
        "until": until,
        "search": search,
        "tag": tag,
        "watch": watch,
        "cursor": cursor,
    }
    said = {name: value for name, value in asked.items() if value}
    if queue and said:
        refuse_usage("--queue shows all that runs and waits, and cannot be searched.")
    if queue:
        show_queue(limit, as_json=as_json)
    else:
        show_runs(limit, said, as_json=as_json)


@app.command()
def compare(
    run_ids: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="2 to 6 completed backtests.")
    ],
    *,
    as_json: Json = False,
) -> None:
    """Put runs side by side: what was asked, what they stood on, figures, trades that differ."""
    from setupdesk.doors.cli.comparing import compare_runs

    compare_runs(run_ids, as_json=as_json)


@app.command("show")
def show_run(run_id: RunId, *, as_json: Json = False) -> None:
    """Show a run and its report."""
    from setupdesk.doors.cli.showing import show_run

    show_run(run_id, as_json=as_json)


@app.command()
def trades(
    run_id: RunId,
    *,
    form: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    as_json: Json = False,
) -> None:
    """Print the trades of a run."""
    from setupdesk.doors.cli.showing import show_trades

    show_trades(run_id, "json" if as_json else form)


@app.command("report")
def write_report(  # noqa: PLR0913 (the forms, and where to)
    run_id: RunId,
    file: Annotated[
        Text, typer.Argument(metavar="FILE", help="Where to; - is standard output.")
    ] = None,
    *,
    as_html: Annotated[
        bool, typer.Option("--html", help="One HTML file that needs no network; to RUN.html.")
    ] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The trades as CSV.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
) -> None:
    """Write the report of a run, to keep or to hand on."""
    from setupdesk.doors.cli.handing_on import hand_on

    wanted = {"html": as_html, "json": as_json, "csv": as_csv}
    hand_on(run_id, file, [form for form, is_it in wanted.items() if is_it], overwrites=force)


@app.command("chart")
def draw_chart(  # noqa: PLR0913 (what is drawn, and how)
    run_id: Annotated[
        Text, typer.Argument(metavar="RUN", help="A backtest or a look; none with --alert.")
    ] = None,
    *,
    png: Annotated[Path, typer.Option("--png", metavar="FILE", help="Where to.")],
    trade: Annotated[
        int | None, typer.Option(metavar="N", help="Its number; the last one, unless said.")
    ] = None,
    equity: Annotated[
        bool, typer.Option("--equity", help="Equity and drawdown instead of candles.")
    ] = False,
    alert: Annotated[
        Text, typer.Option(metavar="ALERT", help="The id of an alert, instead of a run.")
    ] = None,
    theme: Annotated[str, typer.Option(metavar="light|dark", help="The ground.")] = "light",
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
) -> None:
    """Draw the candles of a trade, an equity or an alert as a PNG file."""
    from setupdesk.doors.cli.picturing import write_picture

    write_picture(
        run_id, png, trade=trade, equity=equity, alert=alert, theme=theme, overwrites=force
    )


@app.command()
def logs(run_id: RunId, *, as_json: Json = False) -> None:
    """Print the log of a run."""
    from setupdesk.doors.cli.showing import show_logs

    show_logs(run_id, as_json=as_json)


@app.command()
def cancel(run_id: RunId, *, as_json: Json = False) -> None:
    """Stop a run; its row stays."""
    from setupdesk.doors.cli.showing import cancel_run

    cancel_run(run_id, as_json=as_json)


@app.command()
def prioritize(
    run_id: RunId,
    priority: Annotated[str, typer.Argument(metavar="PRIORITY", help="live, manual or nightly.")],
    *,
    as_json: Json = False,
) -> None:
    """Change the priority of a run that waits."""
    from setupdesk.doors.cli.queue import prioritize_run

    prioritize_run(run_id, priority, as_json=as_json)


@app.command()
def note(  # noqa: PLR0913 (all that can be said of a run)
    run_id: RunId,
    *,
    name: Annotated[Text, typer.Option(help='Up to 100 characters; "" clears it.')] = None,
    notes: Annotated[Text, typer.Option(help='Up to 2,000 characters; "" clears them.')] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="To add; may be given several times.")
    ] = None,
    untag: Annotated[
        list[str] | None, typer.Option(help="To remove; may be given several times.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give a run a name, notes and tags, to find it by."""
    from setupdesk.doors.cli.noting import note_run

    note_run(run_id, name=name, notes=notes, tags=tag or [], untags=untag or [], as_json=as_json)


@app.command()
def audit(  # noqa: PLR0913 (what requests can be searched by)
    *,
    limit: Limit = 20,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that no row was changed or removed.")
    ] = False,
    door: Annotated[Text, typer.Option(help="cli, ui, api, webhook, ...")] = None,
    user: Annotated[Text, typer.Option(help="Who asked.")] = None,
    outcome: Annotated[Text, typer.Option(help="accepted, refused, replayed or conflict.")] = None,
    since: Annotated[Text, typer.Option(help="First day, UTC.")] = None,
    until: Annotated[Text, typer.Option(help="Last day, inclusive.")] = None,
    search: Annotated[
        Text, typer.Option(help="Words of run_id, user, payload or Problems.")
    ] = None,
    polls: Annotated[bool, typer.Option("--polls", help="Also the polls of watches.")] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="Who changed which schedules and watches.")
    ] = False,
    turned_away: Annotated[
        bool, typer.Option("--turned-away", help="What came without a right key, by the hour.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the newest requests, accepted and refused."""
    from setupdesk.doors.cli import showing

    if verify:
        showing.verify_audit_log(as_json=as_json)
    elif changes:
        showing.show_changes(limit, as_json=as_json)
    elif turned_away:
        showing.show_turned_away(limit, as_json=as_json)
    else:
        asked = {"door": door, "user": user, "outcome": outcome}
        asked |= {"since": since, "until": until, "search": search}
        said = {name: value for name, value in asked.items() if value}
        showing.show_audit_log(limit, said | ({"polls": True} if polls else {}), as_json=as_json)


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Check everything of the desk, and say what to do."""
    from setupdesk.doors.cli.doctor import show_examination

    show_examination(as_json=as_json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to, such as desk.tar.gz.")],
    *,
    no_bars: Annotated[bool, typer.Option("--no-bars", help="Leave the bars out.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    as_json: Json = False,
) -> None:
    """Write the whole desk into one archive, also while it runs."""
    from setupdesk.doors.cli.backup import back_up_to

    back_up_to(file, with_bars=not no_bars, overwrites=force, as_json=as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What backup has written.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Set aside what the home has already.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into the home; checked before anything is changed."""
    from setupdesk.doors.cli.backup import restore_from

    restore_from(file, replaces=replace, as_json=as_json)


@app.command()
def demo(
    what: Annotated[
        Text, typer.Argument(metavar="[live]", help="live: a watch, instead of a backtest.")
    ] = None,
) -> None:
    """Simulate a market, backtest or watch setups on it, show everything, and stop the desk."""
    from setupdesk.doors.cli.access import refuse_usage
    from setupdesk.doors.cli.demo import run_demo
    from setupdesk.doors.cli.demo_live import run_demo_live

    if what not in (None, "live"):
        refuse_usage(f"There is no demo {what!r}: `setupdesk demo`, `setupdesk demo live`.")
    if what:
        run_demo_live()
    else:
        run_demo()


def main() -> None:
    """Run the command line; errors that users can mend are sentences, bugs keep a traceback."""
    from setupdesk.doors.cli.access import clear_errors

    try:
        with clear_errors(as_json="--json" in sys.argv):
            command = typer.main.get_command(app)
            speak_usual(command)
            command()
    except typer.Exit as end:
        sys.exit(end.exit_code)
    except OSError as error:
        sys.exit(tell(f"{error.filename or ''}: {error.strerror or error}".lstrip(": ")))
