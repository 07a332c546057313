"""The commands below ``setupdesk setups``: declarations only, so that ``--help`` stays quick."""

from pathlib import Path
from typing import Annotated

import typer

from setupdesk.doors.cli.data import Json

setups = typer.Typer(help="What may be tested; add rules of your own.")

RuleFile = Annotated[Path, typer.Argument(help="YAML; `setups new NAME` writes one to begin with.")]


@setups.callback(invoke_without_command=True)
def _list_when_bare(context: typer.Context, *, as_json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_setups(as_json=as_json)


@setups.command("list")
def list_setups(*, as_json: Json = False) -> None:
    """List the setups and what may be changed in them."""
    from setupdesk.doors.cli.rules import show_setups

    show_setups(as_json=as_json)


@setups.command("show")
def show(
    setup: Annotated[str, typer.Argument(metavar="ID", help="Such as IB_raid_v1.")],
    *,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="Print its file.")] = False,
    as_json: Json = False,
) -> None:
    """Show a setup: its rule in words, and what may be changed in it."""
    from setupdesk.doors.cli.rules import show_setup

    show_setup(setup, form="yaml" if as_yaml else "json" if as_json else "table")


@setups.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and _.")],
    *,
    to_stdout: Annotated[bool, typer.Option("--stdout", help="Print it, write no file.")] = False,
    as_json: Json = False,
) -> None:
    """Write a rule to begin with, NAME_v1.yaml, into this folder."""
    from setupdesk.doors.cli.rules import write_template

    write_template(name, to_stdout=to_stdout, as_json=as_json)


@setups.command()
def check(file: RuleFile, *, as_json: Json = False) -> None:
    """Say what is wrong in a rule's file, line by line, and put it through the gate."""
    from setupdesk.doors.cli.rules import add_setup

    add_setup(file, dry_run=True, as_json=as_json)


@setups.command()
def add(file: RuleFile, *, as_json: Json = False) -> None:
    """Publish a rule; from then on it stays as it is, and a change is a new version."""
    from setupdesk.doors.cli.rules import add_setup

    add_setup(file, dry_run=False, as_json=as_json)
