"""The commands below ``setupdesk web``: the way to the web desk."""

import typer

from setupdesk.doors.cli.data import Json

web = typer.Typer(help="The web desk: a link that signs in there.", no_args_is_help=True)


@web.callback()
def _any_command() -> None:
    # With one command only, Typer would leave its name out.
    pass


@web.command("link")
def link(*, as_json: Json = False) -> None:
    """Make a link that signs in at the web desk, once and within five minutes."""
    from setupdesk.doors.cli.access import hand_over, reach_running_desk, say, show_json

    made = reach_running_desk().add_sign_in_link()
    if as_json:
        show_json(made)
        return
    hand_over(made["address"])
    say(f"It signs in once, until {made['expires_at'][11:16]} UTC, whoever opens it.")
    if made["is_local"]:
        say(
            "It opens on the desk's own machine only: `public_address` in setupdesk.toml says "
            "where browsers elsewhere reach the web desk."
        )
