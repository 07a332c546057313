"""What the desk tells somebody on Telegram by itself: which alerts, and how loud."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from setupdesk.client import Client
from setupdesk.core.pairing import name_pairing
from setupdesk.doors.telegram.answer import Answer, Asked, Button, Json
from setupdesk.doors.telegram.names import KINDS, LOUDNESS
from setupdesk.doors.telegram.speech import name, say, spoken

HERE, QUIET, NONE = "here", "quiet", "none"
_OFF = "off"
_CLOCK = r"([01]?\d|2[0-3])(?:[:.]([0-5]\d))?"
_HOURS = re.compile(rf"{_CLOCK}\s*[-\u2013\u2014\u2212]\s*{_CLOCK}(?:\s+(\S+))?")
"""``22:00-07:00 Europe/Berlin``, with any dash, and spaces beside it; ``22-7`` means the same."""

_ALERT = re.compile(r"alert_[0-9a-f]+")
"""What the id of an alert looks like, and none of a setup does."""


def list_channels(asked: Asked) -> list[Json]:
    """List the channels by which somebody is told of alerts on Telegram."""
    own = _list_own(asked.desk, asked.person["telegram_id"])
    return [one for one in own if "alert" in one["events"]]


def is_here(channel: Json, telegram_id: int) -> bool:
    """Say whether a channel leads to a user of Telegram, in whichever language."""
    own = name_pairing(telegram_id)
    return bool(channel["url"] == own or channel["url"].startswith(f"{own}:"))


def _list_own(desk: Client, telegram_id: int) -> list[Json]:
    found = desk.channels()
    return [one for one in found if is_here(one, telegram_id) and one["revoked_at"] is None]


def speak_in(desk: Client, telegram_id: int, language: str) -> None:
    """Have what is told to somebody by Telegram said in a language from now on.

    Raises what the desk raises.
    """
    wanted = f"{name_pairing(telegram_id)}:{language}"
    for one in _list_own(desk, telegram_id):
        if one["url"] != wanted:
            desk.change_channel(one["channel_id"], {"url": wanted})


def notify(asked: Asked) -> Answer:
    """Show what is told here, or change it: ``stale off``, ``quiet 22:00-07:00 Europe/Berlin``."""
    if asked.words == (HERE,) and not list_channels(asked):
        url = f"{name_pairing(asked.person['telegram_id'])}:{spoken()}"
        asked.desk.add_channel({"name": "Telegram", "url": url, "events": ["alert"]})
    elif asked.words and asked.words[0] != HERE:
        for one in list_channels(asked):
            manner = _read_manner(asked.words, one["manner"])
            if manner is None:
                return Answer(_tell_forms())
            asked.desk.change_channel(one["channel_id"], {"manner": manner})
    return _show(asked)


def _read_manner(words: tuple[str, ...], before: Json) -> Json | None:
    first, *rest = words
    if first == QUIET:
        return _read_quiet(" ".join(rest), before["quiet"])
    if first in LOUDNESS and not rest:
        return {"kinds": dict.fromkeys(KINDS, first)}
    shown = {name(KINDS, kind).partition(":")[0]: kind for kind in KINDS}
    kind = shown.get(first, first)
    return {"kinds": {kind: rest[0]}} if kind in KINDS and rest else None


def _read_quiet(text: str, before: Json | None) -> Json | None:
    if text in (NONE, _OFF):
        return {"quiet": None}
    found = _HOURS.fullmatch(text)
    if found is None:
        return None
    hour, minute, last_hour, last_minute, zone = found.groups()
    begins, ends = f"{hour:>02}:{minute or '00'}", f"{last_hour:>02}:{last_minute or '00'}"
    # Who has said once on which clock need not say it again.
    zone = zone or (before or {}).get("zone")
    return {"quiet": {"from": begins, "to": ends} | ({"zone": zone} if zone else {})}


def _tell_forms() -> str:
    forms = ("signal off", _OFF, "on", f"{QUIET} 22:00-07:00 Europe/Berlin", f"{QUIET} {NONE}")
    told = "\n".join(f"/notify {one}" for one in forms)
    return say("That cannot be read. It is written so:\n{forms}", forms=told)


def _show(asked: Asked) -> Answer:
    channels = list_channels(asked)
    if not channels:
        start = Button(say("Tell me of alerts"), f"notify {HERE}")
        return Answer(say("You are told of no alerts here."), ((start,),))
    channel = channels[0]
    manner = channel["manner"]
    lines = [say("Which alerts you are told of here:")]
    lines += [f"{LOUDNESS[manner['kinds'][kind]]} {say(text)}" for kind, text in KINDS.items()]
    lines += ["", say("🔔 aloud, 🔕 silently, 🚫 not at all"), *_tell_quiet(manner["quiet"])]
    lines += tell_mutes(channels)
    rows = [_draw_kind(kind, now) for kind, now in manner["kinds"].items()]
    if manner["quiet"]:
        rows.append((Button(say("No quiet hours"), f"notify {QUIET} {NONE}"),))
    rows += [(_draw_unmute(one["setup_id"]),) for one in _list_mutes(channels)]
    return Answer("\n".join(lines), tuple(rows))


def _draw_kind(kind: str, now: str) -> tuple[Button, ...]:
    named = name(KINDS, kind).partition(":")[0]
    return tuple(
        Button(f"{'✓ ' if how == now else ''}{sign} {named}", f"notify {kind} {how}")
        for how, sign in LOUDNESS.items()
    )


def _tell_quiet(quiet: Json | None) -> list[str]:
    if quiet is None:
        return [say("Quiet hours: none; /notify quiet 22:00-07:00 Europe/Berlin sets some.")]
    hours = f"{quiet['from']}-{quiet['to']} {quiet['zone']}"
    return [say("Quiet hours: {hours}", hours=hours)]


def _draw_unmute(setup_id: str) -> Button:
    return Button(say("Unmute {setup}", setup=setup_id)[:60], f"unmute {setup_id}")


def _list_mutes(channels: list[Json]) -> list[Json]:
    return list({one["setup_id"]: one for each in channels for one in each["mutes"]}.values())


def tell_mutes(channels: list[Json]) -> list[str]:
    """Tell each muted setup in a line."""
    return [_tell_mute(one) for one in _list_mutes(channels)]


def _tell_mute(one: Mapping[str, Any]) -> str:
    end = datetime.fromisoformat(one["until"]).astimezone(ZoneInfo(one["zone"]))
    at = f"{end:%Y-%m-%d %H:%M} {one['zone']}"
    return say("{setup} is muted until {at}.", setup=one["setup_id"], at=at)


def mute(asked: Asked) -> Answer:
    """Tell nothing of a setup for the rest of its market's day; it, or an alert of it, is named."""
    channels = list_channels(asked)
    if not asked.words or not channels:
        return _show(asked)
    setup_id, symbol = _find_setup(asked)
    muted = [asked.desk.mute(one["channel_id"], setup_id, symbol) for one in channels]
    told = next(one for one in _list_mutes(muted) if one["setup_id"] == setup_id)
    return Answer(_tell_mute(told), ((_draw_unmute(setup_id),),))


def unmute(asked: Asked) -> Answer:
    """Tell of a setup again."""
    channels = list_channels(asked)
    if not asked.words or not channels:
        return _show(asked)
    setup_id, _ = _find_setup(asked)
    for one in channels:
        asked.desk.unmute(one["channel_id"], setup_id)
    again = Button(say("Mute {setup} today", setup=setup_id)[:60], f"mute {setup_id}")
    return Answer(say("You are told of {setup} again.", setup=setup_id), ((again,),))


def _find_setup(asked: Asked) -> tuple[str, str | None]:
    named = asked.words[0]
    if not _ALERT.fullmatch(named):
        return named, asked.words[1] if len(asked.words) > 1 else None
    alert = asked.desk.alert(named)
    return alert["setup_id"], alert["symbol"]
