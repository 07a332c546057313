"""The commands below ``setupdesk telegram``: who may speak to the desk by its bot."""

from typing import Annotated, Any, Literal

import typer

from setupdesk.doors.cli.data import Json

telegram = typer.Typer(help="The bot: who may speak to the desk by Telegram.", no_args_is_help=True)


@telegram.command("pair")
def pair(
    *,
    role: Annotated[
        Literal["viewer", "trader", "admin"],
        typer.Option(help="viewer looks, trader asks for runs, admin manages the desk."),
    ] = "trader",
    user: Annotated[
        str | None, typer.Option(help="As whom he speaks; the desk's owner, unless named.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a code; who sends it to the bot within ten minutes may speak to the desk."""
    from setupdesk.doors.cli.access import hand_over, reach_running_desk, say, show_json

    desk = reach_running_desk()
    made = desk.add_pairing_code(user or desk.whoami()["user"], role)
    if as_json:
        show_json(made)
        return
    hand_over(made["code"])
    say(
        f"Send this to the bot: /start {made['code']}. It pairs once, as {made['user']}, "
        f"{made['role']}, until {made['expires_at'][11:16]} UTC."
    )


@telegram.command("list")
def list_pairings(*, as_json: Json = False) -> None:
    """List who speaks to the desk by Telegram, and as whom."""
    from setupdesk.doors.cli.access import reach_running_desk, show_json
    from setupdesk.doors.cli.showing import show_table

    found = reach_running_desk().pairings()
    if as_json:
        show_json(found)
        return
    show_table(("id", "name", "user", "role"), [_show(one) for one in found], "Nobody is paired.")


@telegram.command("unpair")
def unpair(
    telegram_id: Annotated[int, typer.Argument(metavar="ID", help="As `telegram list` shows it.")],
    *,
    as_json: Json = False,
) -> None:
    """Let somebody say nothing more by Telegram, at once; his schedules are paused."""
    from setupdesk.doors.cli.access import reach_running_desk, say, show_json

    done = reach_running_desk().unpair_telegram(telegram_id)
    if as_json:
        show_json(done)
        return
    say(f"{telegram_id} may say nothing any more.")
    if done["schedules"]:
        say(f"Its schedules are paused: {', '.join(done['schedules'])}.")


def _show(one: dict[str, Any]) -> tuple[str, ...]:
    return str(one["telegram_id"]), one["name"], one["user"], one["role"]
