"""Look at the queue, and change whose turn it is."""

from collections.abc import Mapping
from typing import Any

from setupdesk.core.run import Priority
from setupdesk.doors.cli.access import reach_desk, refuse_usage, say, show, show_json
from setupdesk.doors.cli.showing import show_table

PRIORITIES = tuple(each.word for each in Priority)


def show_queue(limit: int, *, as_json: bool) -> None:
    """Show who runs and who waits, for what and until when."""
    found = reach_desk().queue(limit)
    if as_json:
        show_json(found)
        return
    show(_sum_up(found))
    rows = [_show_running(run) for run in found["running"]]
    rows += [_show_waiting(run) for run in found["waiting"]]
    if rows:
        headings = (
            "",
            "run",
            "what",
            "asked by",
            "priority",
            "when",
            "stage, or what it waits for",
        )
        show_table(headings, rows, "")
    if more := found["waiting_count"] - len(found["waiting"]):
        show(f"and {more:,} more that wait; --limit shows them.")

    if rows and found["waiting"]:
        say(f"To change it: `setupdesk prioritize RUN {'|'.join(PRIORITIES)}`, `... cancel RUN`.")


def prioritize_run(run_id: str, priority: str, *, as_json: bool) -> None:
    """Change the priority of a run that waits, and say what that did."""
    if priority not in PRIORITIES:
        refuse_usage(f"The priority was {priority!r}; it is {' or '.join(PRIORITIES)}.")
    desk = reach_desk()
    changed = desk.change_run(run_id, {"priority": priority})
    if as_json:
        show_json(changed)
        return
    ahead = desk.run(run_id).get("ahead")
    place = "" if ahead is None else f" {ahead:,} that wait go before it."
    say(f"{run_id} is {priority}; it was {changed['earlier']['priority']}.{place}")


def _sum_up(found: Mapping[str, Any]) -> str:
    places = f"{found['running_count']} of {found['places']} places taken"
    waiting = found["waiting_count"]
    return f"{places}, {f'{waiting:,} waiting' if waiting else 'nothing waits'}."


def _show_running(run: Mapping[str, Any]) -> tuple[str, ...]:
    left = run["ends_in_seconds"]
    when = f"since {in_words(run['elapsed_seconds'])}"
    if left is not None:
        when += f", about {in_words(left)} left" if left else ", longer than usual"
    return ("runs", *_describe(run), when, run["stage"] or run["state"])


def _show_waiting(run: Mapping[str, Any]) -> tuple[str, ...]:
    wait = run["starts_in_seconds"]
    when = "not known" if wait is None else f"in about {in_words(wait)}" if wait else "now"
    return (str(run["position"]), *_describe(run), when, run["waits_for"]["text"])


def _describe(run: Mapping[str, Any]) -> tuple[str, str, str, str]:
    request = run["request"]
    what = f"{request['setup_id']} {request['symbol']} {request['timeframe']}"
    period = f" {request['start']} to {request['end']}" if request["start"] else ""
    return run["run_id"], what + period, f"{run['user']}, {run['door']}", run["priority"]


def in_words(seconds: float) -> str:
    """Say how long it is or was."""
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
