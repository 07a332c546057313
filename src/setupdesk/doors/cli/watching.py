"""Make, show and end watches from the terminal."""

import copy
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from setupdesk.core.channel import ChannelEvent
from setupdesk.core.errors import SetupdeskError
from setupdesk.core.problem import take_suggestion
from setupdesk.doors.cli.access import (
    find_remote,
    reach_desk,
    reach_running_desk,
    refuse_usage,
    say,
    show,
    show_json,
)
from setupdesk.doors.cli.alerts import MOST, Following, follow, show_event, tell_record
from setupdesk.doors.cli.queue import in_words
from setupdesk.doors.cli.request_words import read_setting, read_value
from setupdesk.doors.cli.scheduling import tell_rhythm
from setupdesk.doors.cli.showing import show_table
from setupdesk.doors.cli.watched import tell_outcome
from setupdesk.settings import load_settings
from setupdesk.supervisor import find_desk

if TYPE_CHECKING:
    from setupdesk.doors.cli.access import Access

Watch = Mapping[str, Any]

_FLAGS = {
    "timeframe": "-i",
    "every": "--every",
    "at_bar_close": "--at-bar-close",
    "feed": "--feed",
    "replay_from": "--from",
    "speed": "--speed",
    "expires": "--expires",
    "name": "--name",
}
_FEEDS = {
    "replay": ": the stored bars, as if they came now",
    "push": ": what is sent to the desk, by `setupdesk data push` or POST /bars",
}
_SHOWN_POLLS = 5


def build_watch(
    what: Mapping[str, Any],
    how: Mapping[str, Any],
    options: Mapping[str, str | None],
    settings: Sequence[str],
) -> dict[str, Any]:
    """Build what the desk is asked for; what is wrong with it is for the desk to say."""
    if wrong := [setting for setting in settings if "=" not in setting]:
        refuse_usage(f"--set takes KEY=VALUE, not {wrong[0]!r}.")
    values = {**what, **how, "speed": read_value(how["speed"])}
    values["options"] = {key: read_value(text) for key, text in options.items() if text is not None}
    values["extra"] = dict(map(read_setting, settings))
    return {key: value for key, value in values.items() if value not in (None, {})}


def add_watch(said: Mapping[str, Any], *, follows: bool, as_json: bool) -> None:
    """Make a watch, say what it will do, and follow it if that is wanted."""
    desk = reach_running_desk() if follows else reach_desk()
    try:
        made = desk.add_watch(said)
    except SetupdeskError as refused:
        if command := _write_corrected(said, refused):
            refused.add_note(f"This would be accepted:\n  {command}")
        raise
    if follows and as_json:
        show_event("watch", made)
    elif as_json:
        show_json(made)
    else:
        _show_made(desk, made)
    if follows:
        follow(Following(desk, made["watch_id"]), as_json=as_json)


def _write_corrected(said: Mapping[str, Any], refused: SetupdeskError) -> str | None:
    """Write the command that would work; None unless every Problem has a suggestion."""
    problems = [
        one if isinstance(one, dict) else one.to_json() for one in getattr(refused, "problems", ())
    ]
    if not problems or any(one["suggestion"] is None for one in problems):
        return None
    corrected = copy.deepcopy(dict(said))
    for problem in problems:
        take_suggestion(corrected, problem)
    return _write_command(corrected)


def _write_command(said: Mapping[str, Any]) -> str:
    words = ["setupdesk", "watch"]
    for flag, names in (("-s", said.get("setups", ())), ("-p", said.get("symbols", ()))):
        words += [word for name in names for word in (flag, name)]
    values = {flag: said.get(name) for name, flag in _FLAGS.items()}
    for name, value in said.get("options", {}).items():
        values[f"--{name.replace('_', '-')}"] = value
    words += [str(word) for pair in values.items() if pair[1] is not None for word in pair]
    for key, value in said.get("extra", {}).items():
        words += ["--set", f"{key}={value}"]
    return shlex.join(words)


def _show_made(desk: "Access", made: Watch) -> None:
    watch_id, setups = made["watch_id"], ", ".join(made["setups"])
    rhythm = tell_rhythm(desk.schedule(made["schedule_id"]))
    show(f"{watch_id}  {made['name']}")
    show(f"  looks at {setups} on {', '.join(made['symbols'])} {made['timeframe']}, {rhythm}")
    show(f"  the first time at {_tell_utc(made['next'])} UTC")
    for line in _tell_feeds(desk, made):
        show(f"  {line}")
    show(f"  an alert is sent for {made['expires']} after its bar has closed, and shown for ever")
    show(f"  {_tell_channels(desk, made['user'])}")
    say(f"`setupdesk watches {watch_id}` shows where it stands, `setupdesk unwatch` ends it.")
    _tell_no_desk()


def _tell_no_desk() -> None:
    if find_remote() is None and find_desk(load_settings()) is None:
        say("No desk runs here, so nothing is looked at: `setupdesk up --detach` starts one.")


def _tell_feeds(desk: "Access", watch: Watch) -> Iterator[str]:
    by_feed: dict[str, list[str]] = {}
    for symbol, feed in watch["feeds"].items():
        by_feed.setdefault(feed, []).append(symbol)
    for feed, symbols in by_feed.items():
        yield f"bars of {', '.join(symbols)} come from {feed}{_FEEDS.get(feed, '')}"
    if watch["replay_from"]:
        zone = desk.symbol(watch["symbols"][0])["zone"]
        begins = datetime.fromisoformat(watch["replay_from"]).astimezone(ZoneInfo(zone))
        yield f"from {begins:%Y-%m-%d %H:%M} {zone} on, {watch['speed']:g} times as fast"


def _tell_channels(desk: "Access", user: str) -> str:
    names = [
        one["name"]
        for one in desk.channels()
        if one["user"] == user and not one["revoked_at"] and ChannelEvent.ALERT in one["events"]
    ]
    if names:
        return f"alerts are told to {', '.join(names)}"
    return "nobody is told of alerts: `setupdesk channel add NAME URL` changes that"


def show_watches(*, ended: bool, as_json: bool) -> None:
    """List the watches."""
    desk = reach_desk()
    found = desk.watches(ended=ended)
    if as_json:
        show_json(found)
        return
    newest = desk.alerts(MOST) if found else []
    rows = [
        (
            one["watch_id"],
            f"{one['name']}\n{_count_looks(one)}",
            f"{_tell_poll(one)}\n{_tell_next(one)}",
            str(_count_alerts(one, newest)),
            f"{one['troubled']} troubled" if one["troubled"] else "",
            _tell_parity(one["parity"]),
        )
        for one in found
    ]
    headings = ("watch", "name and looks", "last poll, next one", "24 h alerts", "", "parity")
    show_table(headings, rows, "No watches yet.")
    if any(one["next"] for one in found):
        _tell_no_desk()


def show_watch(watch_id: str, *, as_json: bool) -> None:
    """Show where each look of a watch stands, what it polled last, and what it has raised."""
    desk = reach_desk()
    watch, polls = desk.watch(watch_id), desk.polls(watch_id, _SHOWN_POLLS)
    if as_json:
        show_json({**watch, "polls": polls})
        return
    show(f"{watch['watch_id']}  {watch['name']}, of {watch['user']}")
    for line in _tell_feeds(desk, watch):
        show(f"  {line}")
    show(f"  last poll {_tell_poll(watch)}; {_tell_next(watch)}")
    if watch["parity"]:
        show(f"  beside a backtest: {_tell_parity(watch['parity'])}")
    show(f"  {tell_record(desk.alerts(MOST, watch['watch_id']))}")
    _show_stand(watch["stand"])
    rows = [(_tell_utc(one["accepted_at"]), one["run_id"], _tell_end(one)) for one in polls]
    show_table(("poll, UTC", "run", "what came of it"), rows, "It has not looked yet.")


def _show_stand(stand: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            one["setup_id"],
            one["symbol"],
            _tell_seen(one),
            one["standing"]["sentence"] if one["standing"] else "not looked at yet",
            one["trouble"] or "",
        )
        for one in stand
    ]
    show_table(("setup", "symbol", "seen until", "where it stands", "trouble"), rows, "")


def _tell_seen(one: Mapping[str, Any]) -> str:
    local = one["standing"] and one["standing"]["as_of_local"]
    return str(local)[:16].replace("T", " ") if local else "nothing"


def end_watch(watch_id: str, *, as_json: bool) -> None:
    """End a watch, and say so."""
    ended = reach_desk().end_watch(watch_id)
    if as_json:
        show_json(ended)
        return
    name = ended["watch_id"]
    say(f"{name} looks no more; `setupdesk alerts {name}` shows what it has raised.")


def _count_looks(watch: Watch) -> str:
    count = len(watch["setups"]) * len(watch["symbols"])
    feeds = ", ".join(dict.fromkeys(watch["feeds"].values()))
    return f"{'1 look' if count == 1 else f'{count} looks'}, {feeds}"


def _count_alerts(watch: Watch, newest: Sequence[Mapping[str, Any]]) -> int:
    since = datetime.fromisoformat(watch["as_of"]) - timedelta(days=1)
    own = (one for one in newest if one["watch_id"] == watch["watch_id"])
    return sum(datetime.fromisoformat(one["created_at"]) >= since for one in own)


def _tell_poll(watch: Watch) -> str:
    poll = watch["last_poll"]
    if poll is None:
        return "never"
    age = datetime.fromisoformat(watch["as_of"]) - datetime.fromisoformat(poll["accepted_at"])
    return f"{in_words(age.total_seconds())} ago, {poll['state']}"


def _tell_next(watch: Watch) -> str:
    if watch["ended_at"]:
        return f"ended {_tell_utc(watch['ended_at'])} UTC"
    return f"next {_tell_utc(watch['next'])} UTC" if watch["next"] else "paused"


def _tell_end(poll: Mapping[str, Any]) -> str:
    summary = poll["summary"]
    if summary is None:
        return str(poll["reason"] or poll["state"])
    return tell_outcome(summary)


def _tell_parity(run: Mapping[str, Any] | None) -> str:
    if run is None:
        return ""
    return str((run["summary"] or {}).get("verdict") or run["state"])


def _tell_utc(at: str) -> str:
    return at[:19].replace("T", " ")
