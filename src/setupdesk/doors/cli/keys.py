"""The commands below ``setupdesk key``: declarations and their few lines of output."""

from typing import Annotated, Any, Literal

import typer

from setupdesk.doors.cli.data import Json

keys = typer.Typer(help="Keys to the API: who may look, ask, or manage.", no_args_is_help=True)

Days = Annotated[int, typer.Option(min=1, max=3650, help="How long it opens the desk.")]
Bound = int | None


@keys.command("add")
def add_key(  # noqa: PLR0913 (all that a key has)
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    *,
    role: Annotated[
        Literal["viewer", "trader", "admin"],
        typer.Option(help="viewer looks, trader asks for runs, admin manages the desk."),
    ],
    user: Annotated[
        str | None, typer.Option(help="Whose runs it sees; the desk's owner, unless named.")
    ] = None,
    days: Days = 365,
    for_ever: Annotated[bool, typer.Option("--for-ever", help="It does not expire.")] = False,
    requests_per_minute: Annotated[int, typer.Option(min=1)] = 600,
    most_waiting: Annotated[int, typer.Option(min=1, help="Its runs that wait at once.")] = 20,
    most_running: Annotated[int, typer.Option(min=1, help="Its runs that run at once.")] = 2,
    most_bars: Annotated[Bound, typer.Option(min=1, help="Bars that a run may take.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key; it is shown this once."""
    from setupdesk.doors.cli.access import hand_over, reach_desk, say, show_json

    desk = reach_desk()
    made = desk.add_key(
        {
            "name": name,
            "user": user or desk.whoami()["user"],
            "role": role,
            "days": None if for_ever else days,
            "requests_per_minute": requests_per_minute,
            "most_waiting": most_waiting,
            "most_running": most_running,
            "most_bars": most_bars,
        }
    )
    if as_json:
        show_json(made)
        return
    hand_over(made["key"])
    until = f"until {made['expires_at'][:10]}" if made["expires_at"] else "for ever"
    say(
        f"{made['key_id']} is a key of {made['user']}, {made['role']}, {until}. It is not shown "
        f"again; `setupdesk key revoke {made['key_id']}` takes it back."
    )


@keys.command("list")
def list_keys(*, as_json: Json = False) -> None:
    """List the keys that were given out, and which still open the desk."""
    from setupdesk.doors.cli.access import reach_desk, show_json
    from setupdesk.doors.cli.showing import show_table

    found = reach_desk().keys()
    if as_json:
        show_json(found)
        return
    headings = ("key", "name", "user", "role", "state", "made", "until")
    show_table(headings, [_show(key) for key in found], "No key was given out yet.")


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="As `key list` shows it.")],
    *,
    as_json: Json = False,
) -> None:
    """Take a key back with its hooks, at once and for good; its schedules are paused."""
    from setupdesk.doors.cli.access import reach_desk, say, show_json

    done = reach_desk().revoke_key(key_id)
    if as_json:
        show_json(done)
    else:
        hooks = f", and nor do its hooks: {', '.join(done['hooks'])}" if done["hooks"] else ""
        say(f"{key_id} opens nothing any more{hooks}.")
        if done["schedules"]:
            say(f"Its schedules are paused: {', '.join(done['schedules'])}.")


def _show(key: dict[str, Any]) -> tuple[str, ...]:
    until = (key["expires_at"] or "for ever")[:10]
    return (
        *(key["key_id"], key["name"], key["user"], key["role"], key["state"]),
        *(key["created_at"][:10], until),
    )
