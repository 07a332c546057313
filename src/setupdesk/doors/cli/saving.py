"""Save requests under a name, list and forget them, and take one up again."""

from collections.abc import Mapping
from typing import Any

from setupdesk.core.rerun import build_rerun
from setupdesk.doors.cli.access import reach_desk, refuse_usage, say, show_json
from setupdesk.doors.cli.request_words import write_command
from setupdesk.doors.cli.showing import show_table

_COMMANDS = {"backtest": "backtest", "live": "analyze"}


def save_request(
    name: str, payload: Mapping[str, Any], *, of_run: str | None, replaces: bool, as_json: bool
) -> None:
    """Save a payload, or what a run was asked for with *payload* as its changes."""
    desk = reach_desk()
    asked = dict(payload)
    if of_run:
        asked = build_rerun(desk.run(of_run)["request"], payload)
    asked = {"mode": "backtest"} | asked
    made = desk.save_request(name, asked, replaces=replaces)
    if as_json:
        show_json(made)
        return
    command = _COMMANDS[made["payload"]["mode"]]
    say(f'{made["name"]} is saved; `setupdesk {command} --saved "{made["name"]}"` asks for it.')


def show_saved(*, as_json: bool) -> None:
    """List the saved requests."""
    found = reach_desk().saved_requests()
    if as_json:
        show_json(found)
        return
    rows = [(one["name"], one["created_at"][:10], write_command(one["payload"])) for one in found]
    when_empty = "No request is saved yet: `setupdesk saved add NAME` with the flags of `backtest`."
    show_table(("name", "saved", "asks for"), rows, when_empty)


def remove_saved(name: str, *, as_json: bool) -> None:
    """Forget a saved request."""
    gone = reach_desk().remove_saved_request(name)
    if as_json:
        show_json(gone)
    else:
        say(f"{gone['name']} is not saved any more.")


def take_up(named: str, mode: str, changes: Mapping[str, Any], *, inline: bool) -> dict[str, Any]:
    """Give the payload of a saved request with the *changes* that the flags name."""
    payload = reach_desk(inline=inline).saved_request(named)["payload"]
    kept = payload.get("mode", "backtest")
    if kept != mode:
        refuse_usage(
            f"{named!r} is no {mode} but a {kept} request: "
            f'`setupdesk {_COMMANDS[kept]} --saved "{named}"` asks for it.'
        )
    said = {name: value for name, value in changes.items() if value not in (None, {})}
    return build_rerun(payload, said)
