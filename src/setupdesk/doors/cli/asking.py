"""Ask for a backtest, follow it, and show what came of it."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import typer
from rich.console import Console
from rich.status import Status

from setupdesk.core.errors import DeskUnavailableError, SetupdeskError
from setupdesk.core.printing import escape
from setupdesk.core.run import REQUEST_KEY, UNDER_WAY
from setupdesk.doors.cli.access import (
    EXIT_CODES,
    INTERRUPTED,
    REFUSED,
    RUN_FAILED,
    UNREACHED,
    find_remote,
    hand_over,
    reach_desk,
    reach_running_desk,
    refuse_usage,
    say,
    show,
    show_json,
)
from setupdesk.doors.cli.report import render_plan, render_problems, render_report, write_noted
from setupdesk.doors.cli.request_words import write_corrected_command
from setupdesk.doors.cli.speech import tell
from setupdesk.doors.cli.watched import name_deed, write_period

if TYPE_CHECKING:
    from setupdesk.doors.cli.access import Access

FIRST_LOOK, SLOWEST_LOOK = 0.02, 0.25


def ask_and_show(  # noqa: PLR0913 (the flags of a command)
    payload: Mapping[str, Any],
    key: str | None,
    *,
    as_json: bool,
    detach: bool,
    inline: bool,
    rerun_of: str | None = None,
) -> None:
    """Ask for *payload*, wait for its end unless *detach*, print the report, exit by its end.

    Of a rerun the *payload* is what is to be different from the run before.
    """
    if key is not None and not REQUEST_KEY.fullmatch(key):
        refuse_usage("--request-key takes 1 to 200 letters, digits and signs, without spaces.")
    if inline and (remote := find_remote()):
        refuse_usage(
            f"--inline works with the bars of the home in this process, and {remote.server.address}"
            f" has its own: leave one of them out."
        )
    desk = reach_desk(inline=True) if inline else reach_running_desk()
    key = key or uuid4().hex
    with _telling_key(key):
        receipt = desk.rerun(rerun_of, payload, key) if rerun_of else desk.ask(payload, key)
    if receipt["status"] == "refused":
        _show_refusal(receipt, as_json=as_json)
        raise typer.Exit(REFUSED)
    if detach and as_json:
        show_json(receipt)
    elif not as_json:
        show_receipt(receipt)
        show(f"  --request-key {key} gives this receipt again, and starts nothing")
    if detach:
        return
    run = follow(desk, receipt["run_id"])
    if as_json:
        show_json(_join(desk, run) | {"receipt": receipt})
    else:
        show_end(desk, run, Console())
    if run["state"] not in ("completed", "planned"):
        raise typer.Exit(RUN_FAILED)


def follow(desk: "Access", run_id: str) -> dict[str, Any]:
    """Wait for the end of a run, with a live line of what it does; give the run."""
    started, pause, told = time.monotonic(), FIRST_LOOK, ""
    with Status("", console=Console(stderr=True)) as line, _letting_go(run_id):
        while True:
            run = desk.run(run_id)
            if run["state"] not in UNDER_WAY:
                return run
            text = f"{run_id}  {_describe(run)}"
            line.update(f"{tell(text)}  {time.monotonic() - started:.1f} s")
            if text != told and not sys.stderr.isatty():
                say(text)
                told = text
            time.sleep(pause)
            pause = min(pause * 1.3, SLOWEST_LOOK)


@contextmanager
def _telling_key(key: str) -> Iterator[None]:
    advice = f"The same command with --request-key {key} asks again and starts nothing twice."
    try:
        yield
    except SetupdeskError as failed:
        if EXIT_CODES.get(failed.code) == UNREACHED:
            failed.add_note(advice)
        raise
    except KeyboardInterrupt:
        say(f"\n{advice}")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _letting_go(run_id: str) -> Iterator[None]:
    try:
        yield
    except DeskUnavailableError as lost:
        lost.add_note(f"{run_id} was accepted: `setupdesk show {run_id}` tells what became of it.")
        raise
    except KeyboardInterrupt:
        say(f"\n{run_id} goes on: `setupdesk show {run_id}`, `setupdesk cancel {run_id}`.")
        raise typer.Exit(INTERRUPTED) from None


def show_run(desk: "Access", run_id: str, *, as_json: bool) -> None:
    """Show one run, with its report if it has one."""
    run = desk.run(run_id)
    if as_json:
        show_json(_join(desk, run))
    else:
        show_end(desk, run, Console())


def show_end(desk: "Access", run: dict[str, Any], console: Console) -> None:
    """Show how a run ended, with its report if it has one."""
    report = _join(desk, run)["report"]
    if report is not None:
        render_report(run, report, console)
    elif run["state"] == "planned":
        render_plan(run, run["plan"], console)
    else:
        show(f"{run['run_id']}  {_describe(run)}")
        for line in write_noted(run):
            hand_over(line)
        if run["reason"]:
            show(f"reason: {escape(run['reason'])}")
        show(f"log: setupdesk logs {run['run_id']}")


def show_receipt(receipt: dict[str, Any]) -> None:
    """Show that a request was accepted."""
    request = receipt["request"]
    at = f"as of {request['at']}" if request.get("at") else "now"
    period = f"{request['start']} to {request['end']} inclusive" if request["start"] else at
    what = f"{request['setup_id']} on {request['symbol']} {request['timeframe']}, {period}"
    if request.get("watch"):
        what = f"{name_deed(request)} of {request['watch']}, {write_period(request)}"
    show(
        f"{receipt['run_id']}  accepted {receipt['timestamp'][:19]}Z  {receipt['flow_type']}\n"
        f"  {what}; asked by {receipt['user']} by the {receipt['door']}"
    )


def _join(desk: "Access", run: dict[str, Any]) -> dict[str, Any]:
    report = desk.result(run["run_id"]) if run["state"] == "completed" else None
    return {"run": run, "report": report}


def _show_refusal(receipt: dict[str, Any], *, as_json: bool) -> None:
    command = write_corrected_command(receipt)
    if as_json:
        show_json({**receipt, "corrected_command": command})
    else:
        render_problems(receipt, Console(stderr=True), command)


def _describe(run: dict[str, Any]) -> str:
    if run["state"] == "queued":
        ahead = f", {run['ahead']} ahead" if run["ahead"] else ""
        cause = f", {run['waits_for']}" if run["waits_for"] else ""
        return f"queued{ahead}{cause}"
    return f"{run['state']}: {run['stage']}" if run["stage"] else str(run["state"])
