"""Look at what the desk has: runs, trades, logs, the audit log, setups, symbols."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from setupdesk.doors.cli import asking
from setupdesk.doors.cli.access import (
    clear_errors,
    reach_desk,
    refuse_usage,
    say,
    show,
    show_json,
)

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def show_runs(limit: int, *, as_json: bool) -> None:
    """List the newest runs."""
    found = reach_desk().runs(limit)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            run["run_id"],
            run["state"],
            run["request"]["setup_id"],
            f"{run['request']['symbol']} {run['request']['timeframe']}",
            f"{run['user']}, {run['door']}",
            _describe_outcome(run),
        )
        for run in found
    ]
    show_table(("run", "state", "setup", "market", "asked by", "outcome"), rows, "No runs yet.")


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
        show(write_csv(found).rstrip("\n"))


def write_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows as CSV in which no cell is a formula to a spreadsheet."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _disarm(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def show_logs(run_id: str, *, as_json: bool) -> None:
    """Print the log of a run."""
    lines = reach_desk().log_lines(run_id)
    if as_json:
        show_json(lines)
    else:
        show("\n".join(lines) or "Nothing yet: the run has not started.")


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


def show_audit_log(limit: int, *, as_json: bool) -> None:
    """List the newest requests, accepted and refused."""
    found = reach_desk().audit_log(limit)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            str(row["audit_id"]),
            row["at"][:19] + "Z",
            f"{row['user']}, {row['door']}",
            row["outcome"],
            row["run_id"] or "\n".join(problem["message"] for problem in row["problems"]),
        )
        for row in found
    ]
    show_table(("#", "at", "who", "outcome", "run, or why not"), rows, "No requests yet.")


def show_setups(*, as_json: bool) -> None:
    """List the setups and what may be changed in them."""
    found = reach_desk().setups()
    if as_json:
        show_json(found)
        return
    rows = [
        (
            setup["setup_id"],
            setup["title"]["en"],
            " ".join(setup["timeframes"]),
            "\n".join(
                f"{name}={param['default']}  ({', '.join(param['allowed'])})"
                for name, param in setup["params"].items()
            ),
        )
        for setup in found
    ]
    show_table(("setup", "what it is", "timeframes", "--set"), rows, "No setups.")


def show_symbols(*, as_json: bool) -> None:
    """List the symbols."""
    found = reach_desk().symbols()
    if as_json:
        show_json(found)
        return
    rows = [
        (
            symbol["symbol"],
            symbol["title"],
            f"{symbol['session']} {symbol['zone']}",
            symbol["calendar"],
            ", ".join(symbol["aliases"]),
        )
        for symbol in found
    ]
    show_table(("symbol", "market", "session", "calendar", "also called"), rows, "No symbols.")


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
    Console().print(table)


def _describe_outcome(run: Mapping[str, Any]) -> str:
    summary = run["summary"]
    if summary is None:
        return run["reason"] or run["stage"] or ""
    if not summary["trades"]:
        return "no trades"
    return f"{summary['trades']} trades, {summary['total_r']:+.2f}R"


def _disarm_terminal(text: str) -> str:
    # Names of files may hold escape sequences, which would drive the terminal.
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")


def _disarm(value: Any) -> Any:
    armed = isinstance(value, str) and value.startswith(FORMULA_STARTS)
    return f"'{value}" if armed else value
