"""Make, show and change schedules from the terminal."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from setupdesk.doors.cli.access import hand_over, reach_desk, refuse_usage, say, show, show_json
from setupdesk.doors.cli.showing import show_table


def read_requests(file: Path) -> list[Any]:
    """Read the requests of a batch from a JSON file."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as wrong:
        refuse_usage(f"{file} is no JSON: {wrong}.")
    if not isinstance(found, list):
        refuse_usage(f"{file} has to hold a list of requests, [{{...}}, {{...}}].")
    return found


def add_schedule(said: Mapping[str, Any], *, as_json: bool) -> None:
    """Make a schedule, and say when it is due."""
    made = reach_desk().add_schedule(said)
    if as_json:
        show_json(made)
        return
    show(f"{made['schedule_id']}  {made['name']}: {tell_rhythm(made)}")
    show(f"  {_tell_rules(made)}")
    for tick in made["next"]:
        show(f"  {_tell_tick(tick)}")
    say(f"`setupdesk schedule pause {made['schedule_id']}` pauses it, `remove` ends it.")


def show_schedules(*, as_json: bool) -> None:
    """List the schedules."""
    found = reach_desk().schedules()
    if as_json:
        show_json(found)
        return
    rows = [
        (
            one["schedule_id"],
            one["name"],
            tell_rhythm(one),
            _tell_requests(one["payloads"]),
            one["user"],
            "paused" if one["paused"] else _tell_next(one["next"]),
        )
        for one in found
    ]
    headings = ("schedule", "name", "when", "what", "owner", "next")
    show_table(headings, rows, "No schedules yet.")


def show_schedule(schedule_id: str, *, as_json: bool) -> None:
    """Show one schedule with its next ticks and its last ones."""
    desk = reach_desk()
    one, ticks = desk.schedule(schedule_id), desk.ticks(schedule_id, 5)
    if as_json:
        show_json({**one, "ticks": ticks})
        return
    state = "paused" if one["paused"] else "active"
    show(f"{schedule_id}  {one['name']}  {state}, of {one['user']}")
    show(f"  {tell_rhythm(one)}: {_tell_requests(one['payloads'])}")
    show(f"  {_tell_rules(one)}")
    for tick in one["next"]:
        show(f"  next {_tell_tick(tick)}")
    _show_ticks(ticks)


def pause_schedule(schedule_id: str, *, pauses: bool, as_json: bool) -> None:
    """Pause or resume a schedule, and say so."""
    changed = reach_desk().change_schedule(schedule_id, {"paused": pauses})
    if as_json:
        show_json(changed)
    elif pauses:
        say(f"{schedule_id} is paused: `setupdesk schedule resume {schedule_id}` goes on.")
    else:
        say(f"{schedule_id} goes on, next at {_tell_next(changed['next'])}.")


def run_schedule_now(schedule_id: str, *, as_json: bool) -> None:
    """Ask at once, and say which runs that are."""
    tick = reach_desk().run_schedule_now(schedule_id)
    if as_json:
        show_json(tick)
    elif tick["run_ids"]:
        hand_over("\n".join(tick["run_ids"]))
        say("`setupdesk show RUN` shows each of them.")
    else:
        say(f"It is {tick['outcome']}: {tick['reason']}.")


def remove_schedule(schedule_id: str, *, as_json: bool) -> None:
    """Remove a schedule, and say so."""
    removed = reach_desk().remove_schedule(schedule_id)
    if as_json:
        show_json(removed)
        return
    say(f"{schedule_id} starts nothing more; `setupdesk schedule ticks {schedule_id}` stays.")


def show_next_ticks(limit: int, *, as_json: bool) -> None:
    """List the coming ticks."""
    found = reach_desk().next_ticks(limit)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            _tell_utc(tick["at"]),
            f"{tick['market_time'][:19].replace('T', ' ')} {tick['timezone']}",
            tick["name"],
            tick["schedule_id"],
        )
        for tick in found
    ]
    show_table(("UTC", "market time", "name", "schedule"), rows, "Nothing is due.")


def show_ticks(schedule_id: str, limit: int, *, as_json: bool) -> None:
    """List what became of ticks."""
    found = reach_desk().ticks(schedule_id, limit)
    if as_json:
        show_json(found)
    else:
        _show_ticks(found)


def _show_ticks(ticks: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            _tell_utc(tick["due_at"]),
            tick["outcome"],
            ", ".join(tick["run_ids"]),
            tick["reason"] or "",
        )
        for tick in ticks
    ]
    show_table(("due, UTC", "outcome", "runs", "why"), rows, "No tick was due yet.")


def tell_rhythm(one: Mapping[str, Any]) -> str:
    """Say when a schedule is due."""
    if "cron" in one:
        return f"{one['cron']} {one['timezone']}"
    if "every" in one:
        return f"every {one['every']}"
    return f"at the close of {one['at_bar_close']}"


def _tell_rules(one: Mapping[str, Any]) -> str:
    deadline = one["start_deadline"] or "one period"
    days = "after sessions only" if one["only_on_sessions"] else "on any day"
    return f"{days}; catch_up {one['catch_up']}, overlap {one['overlap']}, at most {deadline} late"


def _tell_requests(payloads: Sequence[Mapping[str, Any]]) -> str:
    first = payloads[0]
    words = (first.get(name) for name in ("watch", "setup_id", "symbol", "timeframe", "last"))
    more = f" and {len(payloads) - 1} more" if len(payloads) > 1 else ""
    return " ".join(str(word) for word in words if word) + more


def _tell_tick(tick: Mapping[str, Any]) -> str:
    market = tick["market_time"][:19].replace("T", " ")
    return f"{_tell_utc(tick['at'])} UTC, {market} {tick['timezone']}"


def _tell_next(ticks: Sequence[Mapping[str, Any]]) -> str:
    return f"{_tell_utc(ticks[0]['at'])} UTC" if ticks else "never"


def _tell_utc(at: str) -> str:
    return at[:19].replace("T", " ")
