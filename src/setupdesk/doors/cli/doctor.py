"""Show what the doctor says of a desk."""

import typer

from setupdesk.doors.cli.access import RUN_FAILED, say, show_json
from setupdesk.doors.cli.showing import show_table
from setupdesk.settings import load_settings


def show_examination(*, as_json: bool) -> None:
    """Show every check; end with exit code 1 if one of them is bad."""
    from setupdesk.upkeep.doctor import examine

    found = examine(load_settings())
    if as_json:
        show_json(found)
    else:
        rows = [(one["grade"], one["check"], one["seen"]) for one in found["checks"]]
        show_table(("", "check", "what was seen"), rows, "")
        for one in found["checks"]:
            if one["remedy"]:
                say(f"{one['check']}: {one['remedy']}")
    if found["grade"] == "bad":
        raise typer.Exit(RUN_FAILED)
