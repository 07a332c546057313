"""The commands below ``setupdesk channel``: declarations only, so that ``--help`` stays quick."""

from typing import Annotated

import typer

from setupdesk.doors.cli.data import Json
from setupdesk.doors.cli.flags import Text

channel = typer.Typer(
    help="Webhooks out: addresses that are told of ends of runs and of alerts.",
    no_args_is_help=True,
)

ChannelId = Annotated[str, typer.Argument(metavar="CHANNEL", help="Its id, of `channel list`.")]


Alerts = Annotated[
    Text,
    typer.Option(metavar="KIND=HOW,...", help="signal, further, stale: on, silent or off."),
]
Quiet = Annotated[
    Text, typer.Option(metavar="FROM-TO", help="22:00-07:00: alerts are held then; or none.")
]
QuietZone = Annotated[Text, typer.Option(help="Of the quiet hours: Europe/Berlin, ...")]
MostPerHour = Annotated[
    int | None, typer.Option(help="Alerts; what is more is held, and told at once later.")
]


@channel.command()
def add(  # noqa: PLR0913 (what a channel is told, and how)
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    url: Annotated[
        str | None, typer.Argument(metavar="URL", help="https, reachable by anybody.")
    ] = None,
    *,
    url_option: Annotated[
        Text, typer.Option("--url", help="The same; log: is the service's log.")
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(help="run_finished, run_failed, alert; all of them if you say none."),
    ] = None,
    alerts: Alerts = None,
    quiet: Quiet = None,
    quiet_zone: QuietZone = None,
    most_per_hour: MostPerHour = None,
    as_json: Json = False,
) -> None:
    """Make a channel of your runs and alerts; its secret is shown this once."""
    from setupdesk.core.channel import ChannelEvent
    from setupdesk.doors.cli.channel_words import build_manner
    from setupdesk.doors.cli.webhooks import add_channel

    if url and url_option:
        raise typer.BadParameter("Say the URL once: after the name, or by --url.")
    manner = build_manner(alerts, quiet, quiet_zone, most_per_hour)
    said = {"name": name, "url": url or url_option, "events": event or list(ChannelEvent)}
    add_channel(said | ({"manner": manner} if manner else {}), as_json=as_json)


@channel.command()
def change(  # noqa: PLR0913 (what a channel is told, and how)
    channel_id: ChannelId,
    *,
    name: Annotated[Text, typer.Option(help="What you call it.")] = None,
    event: Annotated[
        list[str] | None, typer.Option(help="run_finished, run_failed, alert: these and no other.")
    ] = None,
    alerts: Alerts = None,
    quiet: Quiet = None,
    quiet_zone: QuietZone = None,
    most_per_hour: MostPerHour = None,
    as_json: Json = False,
) -> None:
    """Change what a channel is told, and how; what you do not name stays as it is."""
    from setupdesk.doors.cli.channel_words import build_manner
    from setupdesk.doors.cli.webhooks import change_channel

    manner = build_manner(alerts, quiet, quiet_zone, most_per_hour)
    asked = {"name": name, "events": event or None, "manner": manner or None}
    said = {field: value for field, value in asked.items() if value is not None}
    change_channel(channel_id, said, as_json=as_json)


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


@channel.command()
def mute(
    channel_id: ChannelId,
    setup: Annotated[str, typer.Argument(metavar="SETUP", help="One that you watch.")],
    *,
    symbol: Annotated[
        Text, typer.Option("--symbol", "-p", help="Whose day counts; the last to end, if several.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tell a channel nothing of a setup until the day of its market is over."""
    from setupdesk.doors.cli.webhooks import mute_setup

    mute_setup(channel_id, setup, symbol, as_json=as_json)


@channel.command()
def unmute(
    channel_id: ChannelId,
    setup: Annotated[str, typer.Argument(metavar="SETUP", help="One that is muted.")],
    *,
    as_json: Json = False,
) -> None:
    """Tell a channel of a setup again."""
    from setupdesk.doors.cli.webhooks import unmute_setup

    unmute_setup(channel_id, setup, as_json=as_json)


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
