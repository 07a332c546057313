"""Make, list and revoke hooks and channels from the terminal."""

from collections.abc import Mapping
from typing import Any

from setupdesk.doors.cli.access import (
    clear_errors,
    reach_desk,
    refuse_usage,
    say,
    show,
    show_json,
)
from setupdesk.doors.cli.channel_words import tell_manner, tell_mutes
from setupdesk.doors.cli.showing import show_table


def add_hook(said: Mapping[str, Any], *, as_json: bool) -> None:
    """Make a hook, and show what nobody can see again."""
    with clear_errors(as_json=as_json):
        made = reach_desk().add_hook(said)
    if as_json:
        show_json(made)
        return
    show(f"{made['hook_id']} starts {made['payload'].get('setup_id')}. Its address:\n")
    show(f"  https://YOUR-HOST{made['address']}\n")
    if made["secret"]:
        show(f"Its secret: {made['secret']}\n")
    else:
        show(f"The message of the alert:\n\n{made['template']}\n")
    say(
        "Keep the address like a password: it is shown this once, and who has it can start runs. "
        f"`setupdesk hook revoke {made['hook_id']}` ends it. docs/webhooks.md has the rest."
    )


def show_hooks(*, as_json: bool) -> None:
    """List the hooks."""
    with clear_errors(as_json=as_json):
        found = reach_desk().hooks()
    if as_json:
        show_json(found)
        return
    rows = [
        (
            hook["hook_id"],
            hook["name"],
            hook["kind"],
            str(hook["payload"].get("setup_id", "")),
            ", ".join(hook["fields"]),
            hook["user"],
            _since(hook),
        )
        for hook in found
    ]
    headings = ("hook", "name", "kind", "setup", "an alert may set", "owner", "state")
    show_table(headings, rows, "No hooks yet.")


def revoke_hook(hook_id: str, *, as_json: bool) -> None:
    """Revoke a hook, and say so."""
    with clear_errors(as_json=as_json):
        revoked = reach_desk().revoke_hook(hook_id)
    if as_json:
        show_json(revoked)
        return
    say(f"{hook_id} is revoked: what is sent to its address is answered 404.")


def add_channel(said: Mapping[str, Any], *, as_json: bool) -> None:
    """Make a channel, and show its secret, which nobody can see again."""
    with clear_errors(as_json=as_json):
        made = reach_desk().add_channel(said)
    if as_json:
        show_json(made)
        return
    _show_channel(made)
    tried = f"`setupdesk channel test {made['channel_id']}` tries it."
    if made["secret"]:
        show(f"Its secret: {made['secret']}")
        say(f"The receiver checks signatures with the secret, which is shown this once. {tried}")
    else:
        say(tried)


def change_channel(channel_id: str, said: Mapping[str, Any], *, as_json: bool) -> None:
    """Change a channel, and show how it is now."""
    if not said:
        refuse_usage("Say what to change: --name, --event, --alerts, --quiet, --most-per-hour.")
    with clear_errors(as_json=as_json):
        changed = reach_desk().change_channel(channel_id, said)
    if as_json:
        show_json(changed)
    else:
        _show_channel(changed)


def _show_channel(channel: Mapping[str, Any]) -> None:
    events = ", ".join(channel["events"])
    show(f"{channel['channel_id']} is told at {channel['url']}: {events}.")
    if "alert" in channel["events"]:
        show(f"Of alerts: {tell_manner(channel['manner'])}.")
        for muted in tell_mutes(channel["mutes"]):
            show(f"{muted}.")


def show_channels(*, as_json: bool) -> None:
    """List the channels."""
    with clear_errors(as_json=as_json):
        found = reach_desk().channels()
    if as_json:
        show_json(found)
        return
    rows = [
        (
            each["channel_id"],
            each["name"],
            each["url"],
            ", ".join(each["events"]),
            _tell_alerts(each),
            each["user"],
            _since(each),
        )
        for each in found
    ]
    headings = ("channel", "name", "where", "what", "alerts", "owner", "state")
    show_table(headings, rows, "No channels yet.")


def _tell_alerts(channel: Mapping[str, Any]) -> str:
    if "alert" not in channel["events"]:
        return ""
    return "\n".join([tell_manner(channel["manner"]), *tell_mutes(channel["mutes"])])


def revoke_channel(channel_id: str, *, as_json: bool) -> None:
    """Revoke a channel, and say so."""
    with clear_errors(as_json=as_json):
        revoked = reach_desk().revoke_channel(channel_id)
    if as_json:
        show_json(revoked)
        return
    say(f"{channel_id} is revoked: nothing more is told there.")


def mute_setup(channel_id: str, setup_id: str, symbol: str | None, *, as_json: bool) -> None:
    """Mute a setup on a channel, and say until when."""
    with clear_errors(as_json=as_json):
        muted = reach_desk().mute(channel_id, setup_id, symbol)
    if as_json:
        show_json(muted)
        return
    for each in tell_mutes(muted["mutes"]):
        show(f"{channel_id}: {each}.")
    say(f"`setupdesk channel unmute {channel_id} {setup_id}` has it told again.")


def unmute_setup(channel_id: str, setup_id: str, *, as_json: bool) -> None:
    """Have a channel told of a setup again, and say so."""
    with clear_errors(as_json=as_json):
        told = reach_desk().unmute(channel_id, setup_id)
    if as_json:
        show_json(told)
        return
    say(f"{channel_id} is told of {setup_id}.")


def test_channel(channel_id: str, *, as_json: bool) -> None:
    """Tell a channel that this is a test, and say how it was answered."""
    with clear_errors(as_json=as_json):
        tested = reach_desk().test_channel(channel_id)
    if as_json:
        show_json(tested)
        return
    say(f"{channel_id} was told, and answered {tested['answered']}.")


def show_notifications(limit: int, channel_id: str | None, *, as_json: bool) -> None:
    """List what channels were told, and what they are to be told."""
    with clear_errors(as_json=as_json):
        found = reach_desk().notifications(limit, channel_id)
    if as_json:
        show_json(found)
        return
    rows = [
        (
            each["created_at"][:19],
            each["channel_id"],
            each["event"],
            each["run_id"] or each["alert_id"] or "",
            _tell_outcome(each),
            f"{each['attempts']}, repeat?" if each["repeat"] else str(each["attempts"]),
            each["last_error"] or "",
        )
        for each in found
    ]
    headings = ("since", "channel", "event", "run or alert", "outcome", "attempts", "last error")
    show_table(headings, rows, "Nothing was told yet.")


def _tell_outcome(row: Mapping[str, Any]) -> str:
    if row["outcome"] is None:
        return f"again at {row['due_at'][:19]}"
    return f"{row['outcome']} {row['done_at'][:19]}"


def _since(row: Mapping[str, Any]) -> str:
    if row["revoked_at"]:
        return f"revoked {row['revoked_at'][:10]}"
    return f"since {row['created_at'][:10]}"
