"""The message of an alert on Telegram: what happened and why, and buttons under it."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from setupdesk.core.alert_button import AlertButton, write_button
from setupdesk.words.interpreter import interpret

LONGEST, LONGEST_CAPTION = 4_000, 1_000
"""Characters of a message and of the words under a picture; Telegram takes 4,096 and 1,024."""

_UNTOLD = ("levels",)
"""Evidence that the picture shows better."""

Said = Mapping[str, Any]
Row = list[dict[str, str]]


def tell(said: Said, language: str) -> list[str]:
    """Tell in lines what a channel is told; of an alert also what was asked of it."""
    happened = [interpret(line, language) for line in _list_lines(said)]
    return [*happened, *_tell_why(said.get("alert") or {}, language)]


def _list_lines(said: Said) -> list[str]:
    if "text" in said:
        return [str(said["text"])]
    if "run_id" not in said:
        return ["This is a test."]
    named = (said.get(name) for name in ("setup_id", "symbol", "timeframe"))
    market = " ".join(str(one) for one in named if one)
    mark = " (repeat?)" if said.get("repeat") else ""
    return [f"{said['run_id']} {said['state']}{mark}", market, str(said["reason"] or "")]


def _tell_why(alert: Said, language: str) -> Iterator[str]:
    asked = [one for one in alert.get("evidence") or () if one["name"] not in _UNTOLD]
    if asked:
        yield ""
    for one in asked:
        yield f"{'✓' if one['met'] else '✗'} {interpret(one['text'], language)}"


def cut(lines: list[str], longest: int) -> str:
    """Leave out the last lines of what is too long, or the end of the only one."""
    kept = list(lines)
    while len(kept) > 1 and len("\n".join(kept)) > longest - 2:
        kept.pop()
    text = "\n".join(kept)[: longest - 2]
    return text if text == "\n".join(lines) else f"{text.rstrip()} …"


def build_keyboard(alert: Said, language: str, web_desk: str | None = None) -> list[Row]:
    """Build the buttons of an alert; the web desk is opened where phones have an address of it."""
    rows: list[Row] = []
    if alert.get("setup_id"):
        mute = ("Mute this setup today", AlertButton.MUTE)
        look = ("Analyze now", AlertButton.ANALYZE)
        rows = [[_build_button(*one, alert["alert_id"], language)] for one in (mute, look)]
    if web_desk:
        url = f"{web_desk}/live?watch={quote(alert['watch_id'], safe='')}"
        rows.append([{"text": interpret("Open in the web desk", language), "url": url}])
    return rows


def _build_button(label: str, button: AlertButton, alert_id: str, language: str) -> dict[str, str]:
    return {"text": interpret(label, language), "callback_data": write_button(button, alert_id)}
