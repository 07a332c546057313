"""The commands below ``setupdesk data``: declarations only, so that ``--help`` stays quick."""

from pathlib import Path
from typing import Annotated

import typer

data = typer.Typer(
    help="Bars: import them, judge them, export them, delete them.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="GER40, or an alias.")]
Timeframe = Annotated[str, typer.Argument(metavar="TF", help="M1 M5 M15 H1 H4 D1")]
Text = str | None


@data.command("import")
def import_bars(
    file: Annotated[Path, typer.Argument(help="CSV, also as .gz or .zip.")],
    *,
    symbol: Annotated[str, typer.Option("--symbol", "-p")],
    timeframe: Annotated[str, typer.Option("--timeframe", "-i", "--tf")],
    as_json: Json = False,
) -> None:
    """Import the bars of a file."""
    from setupdesk.doors.cli.bars import import_file

    import_file(file, symbol, timeframe, as_json=as_json)


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
