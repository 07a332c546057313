"""The commands below ``setupdesk data``: declarations only, so that ``--help`` stays quick."""

from pathlib import Path
from typing import Annotated, Any

import typer

data = typer.Typer(
    help="Bars: import them, judge them, export them, delete them.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="GER40, or an alias.")]
Timeframe = Annotated[str, typer.Argument(metavar="TF", help="M1 M5 M15 H1 H4 D1")]
Text = str | None


@data.command("import")
def import_bars(  # noqa: PLR0913 (all that a user may say of a file)
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Any format of docs/data.md, also .gz or .zip; or a folder."
        ),
    ],
    *,
    symbol: Annotated[str, typer.Option("--symbol", "-p")],
    timeframe: Annotated[str, typer.Option("--timeframe", "-i", "--tf")],
    source: Annotated[str | None, typer.Option(help="The format, if it is not found.")] = None,
    clock: Annotated[
        str | None, typer.Option(help="UTC, Europe/Athens, +02:00, NY+7: of times without one.")
    ] = None,
    accept_clock: Annotated[
        bool,
        typer.Option(
            "--accept-clock", help="Take the proposed clock and stamps, if sure or likely."
        ),
    ] = False,
    stamped_at: Annotated[
        str | None, typer.Option(help="open or close of the bar: which end its time names.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of all stored bars.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the file is, and store nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import the bars of a file, or of a folder as one data set."""
    from setupdesk.doors.cli.access import refuse_usage
    from setupdesk.doors.cli.importing import import_files

    if stamped_at not in (None, "open", "close"):
        refuse_usage("--stamped-at is open or close.")
    said: dict[str, Any] = {
        "source": source,
        "clock": clock,
        "stamped_at": stamped_at,
        "accept_clock": accept_clock or None,
        "replace": replace or None,
        "dry_run": dry_run or None,
    }
    given = {key: value for key, value in said.items() if value is not None}
    import_files(files, symbol, timeframe, given, as_json=as_json)


@data.command()
def simulate(
    *,
    symbol: Annotated[str, typer.Option("--symbol", "-p")] = "GER40",
    start: Annotated[str, typer.Option(help="First day.")],
    end: Annotated[str, typer.Option(help="Last day, inclusive.")],
    seed: Annotated[int, typer.Option(help="Another seed, another market.")] = 1,
    as_json: Json = False,
) -> None:
    """Store M1 bars of the simulated market."""
    from setupdesk.doors.cli.bars import simulate_market

    simulate_market({"symbol": symbol, "start": start, "end": end, "seed": seed}, as_json=as_json)


@data.command("fetch")
def fetch_bars(  # noqa: PLR0913 (the parts of what is wanted)
    symbol: Symbol,
    *,
    source: Annotated[str, typer.Option("--from", "-f", help="The feed, such as dukascopy.")],
    start: Annotated[str, typer.Option(help="First day, market date.")],
    end: Annotated[Text, typer.Option(help="Last day, inclusive; today when left out.")] = None,
    timeframe: Annotated[
        Text, typer.Option("--timeframe", "-i", "--tf", help="The feed's finest when left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch bars from a feed; what came once is not fetched again."""
    from setupdesk.doors.cli.fetching import fetch

    said = {"from": source, "symbol": symbol, "start": start, "end": end, "timeframe": timeframe}
    fetch({key: text for key, text in said.items() if text is not None}, as_json=as_json)


@data.command("push")
def push_bars(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON: a list of closed bars.")],
    *,
    symbol: Annotated[str, typer.Option("--symbol", "-p", help="GER40, ...")],
    timeframe: Annotated[str, typer.Option("--timeframe", "-i", "--tf", help="M1 M5 M15 H1")],
    as_json: Json = False,
) -> None:
    """Send closed bars to the push feed, as a terminal does it; `data fetch` stores them."""
    from setupdesk.doors.cli.bars import push_file

    push_file(file, symbol, timeframe, as_json=as_json)


@data.command("list")
def list_data(*, as_json: Json = False) -> None:
    """List the stored bars."""
    from setupdesk.doors.cli.bars import show_data_sets

    show_data_sets(as_json=as_json)


@data.command("show")
def show_data(symbol: Symbol, timeframe: Timeframe, *, as_json: Json = False) -> None:
    """Show where bars come from, their clock, their quality and their versions."""
    from setupdesk.doors.cli.bars import show_data_set

    show_data_set(symbol, timeframe, as_json=as_json)


@data.command()
def quality(
    symbol: Symbol,
    timeframe: Annotated[Text, typer.Argument(metavar="[TF]", help="All when left out.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Say what is wrong with stored bars."""
    from setupdesk.doors.cli.bars import show_quality

    show_quality(symbol, timeframe, as_json=as_json)


@data.command()
def coverage(symbol: Symbol, timeframe: Timeframe, *, as_json: Json = False) -> None:
    """Say month by month which share of its bars is there."""
    from setupdesk.doors.cli.bars import show_coverage

    show_coverage(symbol, timeframe, as_json=as_json)


@data.command()
def export(
    symbol: Symbol,
    timeframe: Timeframe,
    file: Annotated[Path, typer.Argument(help="Ends in .csv, .csv.gz or .parquet.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Overwrite the file.")] = False,
) -> None:
    """Write bars to a file; importing it gives the very same bars."""
    from setupdesk.doors.cli.bars import export_to_file

    export_to_file(symbol, timeframe, file, overwrites=yes)


@data.command()
def delete(
    symbol: Symbol,
    timeframe: Timeframe,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete bars with all their versions, for ever."""
    from setupdesk.doors.cli.bars import delete_data_set

    delete_data_set(symbol, timeframe, is_sure=yes, as_json=as_json)


@data.command()
def levels(  # noqa: PLR0913 (the flags that traders know)
    symbol: Symbol,
    timeframe: Timeframe,
    *,
    window: Annotated[
        str, typer.Option("--window", "-w", help="A named window of the symbol.")
    ] = "initial_balance",
    start: Annotated[Text, typer.Option(help="First day, market date.")] = None,
    end: Annotated[Text, typer.Option(help="Last day, inclusive.")] = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
) -> None:
    """Follow a window such as the initial balance through its days."""
    from setupdesk.doors.cli.bars import show_levels

    form = "json" if as_json else "csv" if as_csv else "table"
    show_levels(symbol, timeframe, window, (start, end), form=form)
