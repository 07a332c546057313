"""Import files and folders: show how far it is, ask what has to be asked, say what was found."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from setupdesk.core.errors import SetupdeskError
from setupdesk.doors.cli.access import REFUSED, reach_desk, refuse_usage, say, show_json
from setupdesk.doors.cli.progress import showing_progress
from setupdesk.doors.cli.showing import show_table
from setupdesk.doors.cli.speech import tell

if TYPE_CHECKING:
    from setupdesk.doors.cli.access import Access

Json = Mapping[str, Any]

_QUESTIONS = {
    "clock_needed": ("accept_clock", "Take the proposed clock?"),
    "stamping_needed": ("accept_clock", "Convert the bars to their open?"),
    "bars_disagree": ("replace", "Put this file in the place of all stored bars?"),
}
"""By the code of an error: the flag that answers it, and how a person is asked for it."""

_MENDED = {
    "unsorted": "rows put in order",
    "duplicates": "equal rows left out",
    "off_tick": "prices rounded to the tick",
    "flat": "bars of one single price",
}
"""By the name of a count: what it counts."""

_NAMED = 10
"""So many days or skipped files are named; ``--json`` has the others."""


def import_files(
    files: Sequence[Path], symbol: str, timeframe: str, said: Json, *, as_json: bool
) -> None:
    """Import files or a folder; on a terminal, ask what the files do not say."""
    asks = sys.stdin.isatty() and not as_json
    for file in files:
        _check_is_there(file)
    desk = reach_desk()
    done = None
    while done is None:
        try:
            done = _import(desk, files, symbol, timeframe, said)
        except SetupdeskError as error:
            if not asks:
                if error.code == "bars_disagree":
                    forced = {**said, "replace": True}
                    error.add_note(_write_command(files, symbol, timeframe, forced))
                raise
            said = {**said, **_ask(error)}
    show_import(done, as_json=as_json)


def _check_is_there(file: Path) -> None:
    try:
        is_there = file.is_file() or file.is_dir()
    except OSError as error:
        refuse_usage(f"{file} cannot be read: {error.strerror}.")
    if not is_there:
        refuse_usage(f"There is no file and no folder {file}.")


def show_import(done: Json, *, as_json: bool) -> None:
    """Show what was found in a file and what it changed."""
    if as_json:
        show_json(done)
        return
    file = done["file"]
    if done["outcome"] == "checked":
        _show_look(done)
        return
    rows = [
        ("source", f"{file['source_file']} ({file['source_format']})"),
        ("clock", say_clock(file)),
        ("bars", f"{file['rows']:,}, {_say_span(file)}"),
        *(
            (say_mended(what), f"{count:,}")
            for what, count in file["quality"].items()
            if count and what not in {"rows", "not_closed"}
        ),
        *_say_left_out(file["quality"].get("not_closed", 0)),
        *_describe_change(done),
        ("data set", f"{done['rows']:,} bars, {_say_span(done)}{_say_sources(done)}"),
        ("history quality", f"{_say_figure(done['figure'])} of 100{_say_hole(done['hole'])}"),
    ]
    show_table((f"{done['symbol']} {done['timeframe']}", done["outcome"]), rows, "")
    _show_skipped(done.get("skipped", []))
    for warning in file["warnings"]:
        _warn(warning)
    if done["disagreeing_cause"]:
        _warn(done["disagreeing_cause"])


def _show_look(done: Json) -> None:
    file = done["file"]
    rows = [
        ("source", f"{file['source_file']} ({file['source_format']})"),
        ("clock", say_clock(file)),
        ("bars", f"{file['rows']:,}, {_say_span(file)}"),
    ]
    show_table((f"{done['symbol']} {done['timeframe']}", "nothing was stored"), rows, "")
    prices = ("open", "high", "low", "close")
    first = [
        (f"{bar['at'][:16]}Z", *(f"{bar[name]:.10g}" for name in prices))
        for bar in done["first_bars"]
    ]
    show_table(("first bars", *prices), first, "")
    _show_skipped(done.get("skipped", []))
    for warning in file["warnings"]:
        _warn(warning)


def _say_hole(hole: Json | None) -> str:
    return f", low because of {say_hole(hole)}" if hole else ""


def say_hole(hole: Json) -> str:
    """Say between which days there is no bar at all."""
    return (
        f"the gap from {hole['first']} to {hole['last']}: {hole['sessions']:,} sessions without "
        f"a bar between two parts"
    )


def say_mended(what: str) -> str:
    """Say what was mended or counted at an import."""
    return _MENDED.get(what, what.replace("_", " "))


def say_clock(source: Json) -> str:
    """Name the clock of a source and how it is known."""
    found = source["clock_found"]
    return f"{source['clock']}, {found}" if found else str(source["clock"])


def _ask(error: SetupdeskError) -> Json:
    # What a person answers, as flags; an error that asks for nothing is raised again.
    if error.code == "clock_unsure":
        say(str(error))
        return {"clock": typer.prompt(tell("Which clock is it?"), err=True)}
    if error.code not in _QUESTIONS:
        raise error
    flag, question = _QUESTIONS[error.code]
    say(str(error))
    if not typer.confirm(tell(question), err=True):
        raise typer.Exit(REFUSED) from None
    return {flag: True}


def _import(
    desk: "Access", files: Sequence[Path], symbol: str, timeframe: str, said: Json
) -> dict[str, Any]:
    with showing_progress() as watch:
        return desk.import_bars(files, symbol, timeframe, said, watch)


def _say_left_out(count: int) -> list[tuple[str, str]]:
    bars = "1 bar that has" if count == 1 else f"{count:,} bars that have"
    return [("left out", f"{bars} not closed yet")] if count else []


def _describe_change(done: Json) -> list[tuple[str, str]]:
    if done["outcome"] == "unchanged":
        return [("changed", "nothing: all of these bars were stored already")]
    rows = [("added", f"{done['added']:,}")]
    if done["disagreeing"]:
        days = done["disagreeing_days"]
        rows += [
            ("disagreeing", f"{done['disagreeing']:,} had other prices; those of this file stand"),
            ("on the days", _list(days)),
        ]
    if done["other_volume"]:
        count = done["other_volume"]
        rows.append(("other volume", f"{count:,}; those of this file stand"))
    return rows


def _show_skipped(skipped: Sequence[Json]) -> None:
    if skipped:
        names = [f"{each['file']} ({each['reason']})" for each in skipped]
        say(f"skipped: {_list(names)}")


def _warn(warning: str) -> None:
    say(typer.style("WARNING", bold=True, fg="red") + f"  {warning}")


def _write_command(files: Sequence[Path], symbol: str, timeframe: str, said: Json) -> str:
    words = ["setupdesk", "data", "import", *map(str, files), "-p", symbol, "-i", timeframe]
    for name, value in said.items():
        flag = f"--{name.replace('_', '-')}"
        words += [flag] if value is True else [flag, str(value)]
    return f"  {shlex.join(words)}"


def _list(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more: --json" if more > 0 else "")


def _say_sources(done: Json) -> str:
    count = len(done["sources"])
    return f", from {count:,} sources" if count > 1 else ""


def _say_span(entry: Json) -> str:
    return f"{entry['first'][:16]} to {entry['last'][:16]} UTC"


def _say_figure(figure: float | None) -> str:
    return "--" if figure is None else f"{figure:g}"
