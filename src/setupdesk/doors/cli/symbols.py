"""The commands below ``setupdesk symbols``: declarations only, so that ``--help`` stays quick."""

from pathlib import Path
from typing import Annotated

import typer

from setupdesk.doors.cli.data import Json

symbols = typer.Typer(help="What may be traded; add symbols of your own.")

SymbolFile = Annotated[Path, typer.Argument(help="TOML; `symbols show GER40 --toml` is a model.")]


@symbols.callback(invoke_without_command=True)
def _list_when_bare(context: typer.Context, *, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_symbols(as_json=as_json)


@symbols.command("list")
def list_symbols(*, as_json: Json = False) -> None:
    """List the symbols."""
    from setupdesk.doors.cli.showing import show_symbols

    show_symbols(as_json=as_json)


@symbols.command("show")
def show(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="GER40, or an alias.")],
    *,
    as_toml: Annotated[bool, typer.Option("--toml", help="Print its file.")] = False,
    as_json: Json = False,
) -> None:
    """Show a symbol: hours, windows, costs."""
    from setupdesk.doors.cli.showing import show_symbol

    show_symbol(symbol, form="toml" if as_toml else "json" if as_json else "table")


@symbols.command()
def check(file: SymbolFile, *, as_json: Json = False) -> None:
    """Say what is wrong in a symbol's file."""
    from setupdesk.doors.cli.showing import add_symbol

    add_symbol(file, dry_run=True, as_json=as_json)


@symbols.command()
def add(file: SymbolFile, *, as_json: Json = False) -> None:
    """Take a symbol into the catalogue; one of the same name is replaced."""
    from setupdesk.doors.cli.showing import add_symbol

    add_symbol(file, dry_run=False, as_json=as_json)
