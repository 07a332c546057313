"""The commands below ``setupdesk channel``: declarations only, so that ``--help`` stays quick."""

from typing import Annotated

import typer

from setupdesk.doors.cli.data import Json

channel = typer.Typer(
    help="Webhooks out: addresses that are told when a run ends.", no_args_is_help=True
)

ChannelId = Annotated[str, typer.Argument(metavar="CHANNEL", help="Its id, of `channel list`.")]


@channel.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="https, reachable by anybody.")],
    *,
    event: Annotated[
        list[str] | None,
        typer.Option(help="run_finished, run_failed, alert; all of them if you say none."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a channel of your runs; its secret is shown this once."""
    from setupdesk.core.channel import ChannelEvent
    from setupdesk.doors.cli.webhooks import add_channel

    add_channel(name, url, event or tuple(ChannelEvent), as_json=as_json)


@channel.command("list")
def list_channels(*, as_json: Json = False) -> None:
    """List the channels, revoked ones too."""
    from setupdesk.doors.cli.webhooks import show_channels

    show_channels(as_json=as_json)


@channel.command()
def revoke(channel_id: ChannelId, *, as_json: Json = False) -> None:
    """Tell a channel nothing more."""
    from setupdesk.doors.cli.webhooks import revoke_channel

    revoke_channel(channel_id, as_json=as_json)


@channel.command("test")
def try_channel(channel_id: ChannelId, *, as_json: Json = False) -> None:
    """Tell a channel at once that this is a test."""
    from setupdesk.doors.cli.webhooks import test_channel

    test_channel(channel_id, as_json=as_json)


@channel.command()
def log(
    channel_id: Annotated[
        str | None, typer.Argument(metavar="CHANNEL", help="All of them if you say none.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """List what channels were told, and what they are to be told, the newest first."""
    from setupdesk.doors.cli.webhooks import show_notifications

    show_notifications(limit, channel_id, as_json=as_json)
