"""Look at what the desk has: runs, trades, logs, the audit log, setups, symbols."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from setupdesk.client.tables import write_csv
from setupdesk.core.printing import tell_story
from setupdesk.doors.cli import asking
from setupdesk.doors.cli.access import (
    RUN_FAILED,
    clear_errors,
    hand_over,
    reach_desk,
    refuse_usage,
    say,
    show,
    show_json,
)
from setupdesk.doors.cli.speech import tell, tell_all
from setupdesk.doors.cli.watched import tell_outcome


def show_runs(limit: int, said: Mapping[str, Any], *, as_json: bool) -> None:
    """List the newest runs that are as *said*."""
    desk = reach_desk()
    # The API knows watches by their ids, and people by their names.
    of = {"watch": desk.watch(said["watch"])["watch_id"]} if "watch" in said else {}
    found = desk.runs(limit, **{**said, **of})
    if as_json:
        show_json(found)
        return
    rows = [
        (
            run["run_id"],
            run["state"],
            run["request"].get("watch") or run["request"]["setup_id"],
            f"{run['request']['symbol']} {run['request']['timeframe']}",
            f"{run['user']}, {run['door']}",
            "\n".join(line for line in (_describe_outcome(run), _describe_name(run)) if line),
        )
        for run in found["runs"]
    ]
    when_empty = "No run is as searched for." if said else "No runs yet."
    show_table(("run", "state", "setup", "market", "asked by", "outcome"), rows, when_empty)
    if found["next_cursor"]:
        say(f"Older ones: the same command with --cursor {found['next_cursor']}")


def show_run(run_id: str, *, as_json: bool) -> None:
    """Show a run and its report."""
    asking.show_run(reach_desk(), run_id, as_json=as_json)


def show_trades(run_id: str, form: str) -> None:
    """Print the trades of a run as CSV or JSON."""
    if form not in ("csv", "json"):
        refuse_usage(f"The format was {form!r}; it is csv or json.")
    with clear_errors(as_json=form == "json"):
        found = reach_desk().trades(run_id)
    if form == "json":
        show_json(found)
    else:
        hand_over(write_csv(found).rstrip("\n"))


def show_logs(run_id: str, *, as_json: bool) -> None:
    """Print the log of a run."""
    events = reach_desk().log_events(run_id)
    if as_json:
        show_json(events)
    else:
        hand_over(tell_story(events) or tell("Its log is empty."))


def cancel_run(run_id: str, *, as_json: bool) -> None:
    """Stop a run and say how it ended."""
    desk = reach_desk()
    state = desk.cancel(run_id)["state"]
    if state == "cancelling":
        state = asking.follow(desk, run_id)["state"]
    if as_json:
        show_json({"run_id": run_id, "state": state})
    elif state == "cancelled":
        say(f"{run_id} is cancelled.")
    else:
        say(f"{run_id} had ended before: it is {state}.")


def show_audit_log(limit: int, said: Mapping[str, Any], *, as_json: bool) -> None:
    """List the newest requests that are as *said*, accepted and refused."""
    found = reach_desk().audit_log(limit, **said)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            str(row["audit_id"]),
            row["at"][:19] + "Z",
            f"{row['user']}, {row['door']}",
            row["outcome"],
            _tell_decision(row),
        )
        for row in found
    ]
    show_table(
        ("#", "at", "who", "outcome", "run, or why not"),
        rows,
        "No request is as searched for." if said else "No requests yet.",
    )


def show_changes(limit: int, *, as_json: bool) -> None:
    """List who changed which schedules and watches, the newest first."""
    found = reach_desk().changes(limit)
    if as_json:
        show_json(found)
        return
    rows = [
        (row["at"][:19] + "Z", row["user"], row["deed"], row["subject"], _tell_change(row["said"]))
        for row in found
    ]
    columns = ("at", "who", "what", "of which", "as it is from then on")
    show_table(columns, rows, "No schedule and no watch was made yet.")


def _tell_change(said: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in said.items() if value not in (None, {}))


def show_turned_away(limit: int, *, as_json: bool) -> None:
    """List what came without a right key, counted by hour, address and reason."""
    found = reach_desk().turned_away(limit)
    if as_json:
        show_json(found)
        return
    columns = ("hour", "address", "reason", "count", "example")
    rows = [tuple(str(row[name]) for name in columns) for row in found]
    show_table(columns, rows, "Nothing came without a right key.")


def verify_audit_log(*, as_json: bool) -> None:
    """Say whether any row was changed or removed, and exit by it."""
    found = reach_desk().check_audit_log()
    if as_json:
        show_json(found)
    elif found["whole"]:
        show(f"The audit log is whole: {found['rows']:,} rows, anchored up to {found['anchored']}.")
    else:
        show(f"The audit log is broken at row {found['broken_at']}: {found['reason']}.")
    if not found["whole"]:
        raise typer.Exit(RUN_FAILED)


def _tell_decision(row: dict[str, Any]) -> str:
    if row["first_id"]:
        return f"see {row['first_id']}"
    return row["run_id"] or "\n".join(problem["message"] for problem in row["problems"])


def show_symbols(*, as_json: bool) -> None:
    """List the symbols, and the user's own files that cannot be used."""
    desk = reach_desk()
    found = desk.symbols()
    if as_json:
        show_json(found)
        return
    rows = [
        (
            symbol["symbol"],
            symbol["title"],
            f"{symbol['session']} {symbol['zone']}",
            symbol["calendar"],
            "yes" if symbol["own"] else "",
            ", ".join(symbol["aliases"]),
        )
        for symbol in found
    ]
    headings = ("symbol", "market", "session", "calendar", "own", "also called")
    show_table(headings, rows, "No symbols.")
    for file_name, reasons in desk.symbol_mistakes().items():
        say(f"{file_name} cannot be used: {'; '.join(reasons)}")


def show_symbol(name: str, *, form: str) -> None:
    """Show a symbol as a table, as JSON, or as the TOML it was read from."""
    found = reach_desk().symbol(name)
    if form == "toml":
        hand_over(found["toml"].rstrip("\n"))
    elif form == "json":
        show_json(found)
    else:
        _show_details(found)


def add_symbol(file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Check a symbol's file and, unless it is a dry run, take it into the catalogue."""
    text = file.read_text("utf-8", errors="replace")
    answer = reach_desk().add_symbol(text, file.name, dry_run=dry_run)
    if as_json:
        show_json(answer)
        return
    _show_details(answer)
    say(f"{file.name}: {answer['symbol']} is {_OUTCOMES[answer['outcome']]}.")


_OUTCOMES = {"checked": "sound", "added": "added", "replaced": "replaced"}


def _show_details(found: Mapping[str, Any]) -> None:
    said = {key: value for key, value in found.items() if key not in ("toml", "outcome")}
    rows = [(name.replace("_", " "), _in_lines(value)) for name, value in said.items()]
    show_table(("", ""), rows, "")


def _in_lines(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{name}  {item}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(" ".join(map(str, x)) if isinstance(x, list) else str(x) for x in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]], when_empty: str) -> None:
    """Print a table, or say that it is empty."""
    if not rows:
        show(when_empty)
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for count, heading in enumerate(headings):
        table.add_column(heading, no_wrap=count == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_disarm_terminal(cell)) for cell in row))
    Console().print(*tell_all([table]))


def _describe_outcome(run: Mapping[str, Any]) -> str:
    summary = run["summary"]
    if summary is None:
        return run["reason"] or run["stage"] or ""
    if run["request"].get("watch"):
        return tell_outcome(summary)
    if not summary["trades"]:
        return "no trades"
    return f"{summary['trades']} trades, {summary['total_r']:+.2f}R"


def _describe_name(run: Mapping[str, Any]) -> str:
    return "  ".join(each for each in (run["name"] or "", *run["tags"]) if each)


def _disarm_terminal(text: str) -> str:
    # Names of files may hold escape sequences, which would drive the terminal.
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")
