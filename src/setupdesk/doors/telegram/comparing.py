"""Backtests side by side on a phone: what differs in what was asked, and in what came of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from setupdesk.doors.telegram.answer import Answer, Asked, Button, Json, cut
from setupdesk.doors.telegram.card import name_run, need_run, tell_run
from setupdesk.doors.telegram.figures import market, span
from setupdesk.doors.telegram.offering import lay
from setupdesk.doors.telegram.speech import say
from setupdesk.words import mark
from setupdesk.words.figures import NONE, fixed, in_r, percent

_MOST_OFFERED = 8
_LIKE_IT = 2
"""Runs that are compared with one at once."""

_FIGURES: Mapping[str, tuple[str, Callable[[float | None], str]]] = {
    "trades": (mark("Trades"), lambda count: NONE if count is None else f"{count:,}"),
    "total_r": (mark("Total R"), in_r),
    "expectancy_r": (mark("Expectancy"), in_r),
    "win_rate": (mark("Win rate"), percent),
    "profit_factor": (mark("Profit factor"), fixed),
    "max_drawdown_r": (mark("Max drawdown"), fixed),
}


def compare(asked: Asked) -> Answer:
    """Put the named backtests side by side; of one that is named alone, offer others like it."""
    if len(asked.words) > 1:
        return _lay_side_by_side(asked)
    run_id = need_run(asked)
    run = asked.desk.run(run_id)
    others = _find_others(asked, run)
    if not others:
        return Answer(
            say("There is no other completed backtest to compare {run} with.", run=run_id)
        )
    alike = [one["run_id"] for one in others if _is_alike(one, run)][:_LIKE_IT]
    at_once = Button(say("With the newest like it"), f"compare {run_id} {' '.join(alike)}")
    each = [Button(one["run_id"], f"compare {run_id} {one['run_id']}") for one in others]
    lines = [say("With which one is {run} to be compared?", run=run_id), "", *map(tell_run, others)]
    leave = (Button(say("Leave it"), "drop"),)
    return Answer(cut("\n".join(lines)), (*([(at_once,)] if alike else []), *lay(each, 2), leave))


def _find_others(asked: Asked, run: Json) -> list[Json]:
    """Find the newest other backtests, those of the same setup and symbol first."""
    found = asked.desk.runs(50, state="completed", mode="backtest")["runs"]
    others = [
        one for one in found if one["run_id"] != run["run_id"] and not one["request"].get("watch")
    ]
    return sorted(others, key=lambda one: not _is_alike(one, run))[:_MOST_OFFERED]


def _is_alike(one: Json, other: Json) -> bool:
    return all(one["request"][part] == other["request"][part] for part in ("setup_id", "symbol"))


def _lay_side_by_side(asked: Asked) -> Answer:
    found = asked.desk.compare([name_run(asked.desk, one) for one in asked.words])
    letters = [chr(ord("A") + place) for place in range(len(found["runs"]))]
    named = list(zip(letters, found["runs"], strict=True))
    heads = [f"{letter}: {run['run_id']} {market(run['request'])}" for letter, run in named]
    parts = (heads, _tell_asked(found, letters), *_tell_figures(found, letters))
    text = "\n\n".join("\n".join(part) for part in (*parts, _tell_trades(found, letters)) if part)
    buttons = [
        Button(f"{letter}: {run['run_id']}", f"status {run['run_id']}") for letter, run in named
    ]
    return Answer(cut(text), tuple(lay(buttons, 2)))


def _tell_asked(found: Json, letters: Sequence[str]) -> list[str]:
    differ = [one for one in found["parameters"] if one["differs"]]
    lines = [f"{one['name']}: {_join(letters, one['values'])}" for one in differ]
    if any(one["differs"] for one in found["ground"]):
        lines.append(f"⚠ {say('They stand on other bars, rules or versions: see the web desk.')}")
    return lines or [say("All of them asked for the same.")]


def _tell_figures(found: Json, letters: Sequence[str]) -> list[list[str]]:
    return [
        [say(_FIGURES[one["name"]][0]), *_tell_figure(one, letters)]
        for one in found["figures"]
        if one["name"] in _FIGURES
    ]


def _tell_figure(one: Json, letters: Sequence[str]) -> list[str]:
    write = _FIGURES[one["name"]][1]
    spans = one["intervals"] or [None] * len(letters)
    return [
        f"{letter}: {write(value)}{span(ends, write)}"
        for letter, value, ends in zip(letters, one["values"], spans, strict=True)
    ]


def _tell_trades(found: Json, letters: Sequence[str]) -> list[str]:
    trades = found["trades"]
    lines = [
        say(
            "The same trades: {same}, with another result: {other}",
            same=f"{trades['same']:,}",
            other=f"{trades['other_result']:,}",
        )
    ]
    only = [f"{count:,}" for count in trades["only"]]
    lines.append(f"{say('Only in one:')} {_join(letters, only)}")
    return lines


def _join(letters: Sequence[str], values: Sequence[Any]) -> str:
    named = zip(letters, values, strict=True)
    return ", ".join(f"{letter} {NONE if value is None else value}" for letter, value in named)
