"""Asking for runs: with arguments at once, without them step by step by buttons."""

from collections.abc import Sequence

from setupdesk.client import DeskAnswerError
from setupdesk.doors.telegram.answer import Answer, Asked, Button, Json, cut
from setupdesk.doors.telegram.card import draw_card
from setupdesk.doors.telegram.correcting import correct, has_no_place, reorder, tell_correction
from setupdesk.doors.telegram.figures import duration, foretell, market, period
from setupdesk.doors.telegram.line import read_payload, write_words
from setupdesk.doors.telegram.offering import (
    ACROSS,
    list_known_symbols,
    list_setup_ids,
    list_timeframes,
    offer,
)
from setupdesk.doors.telegram.speech import say, say_many
from setupdesk.words import mark

MODES = {"bt": "backtest", "analyze": "live"}
_NEEDED = ("setup_id", "symbol", "timeframe")
_PERIODS = ("1m", "3m", "6m", "1y", "ytd")
_RR_TARGETS = (1, 1.5, 2, 2.5, 3)
ASK = "?"
"""In the place of a value: it is to be asked for."""

_QUESTIONS = {
    "setup_id": mark("Which setup?"),
    "symbol": mark("Which symbol?"),
    "timeframe": mark("Which timeframe?"),
    "last": mark("Which period?"),
    "rr_target": mark("How far is the target, in R?"),
}


def backtest(asked: Asked) -> Answer:
    """Ask for a backtest, or for what is missing of it."""
    return _ask("bt", asked)


def analyze(asked: Asked) -> Answer:
    """Ask for one look at the market, or for what is missing of it."""
    return _ask("analyze", asked)


def _ask(deed: str, asked: Asked) -> Answer:
    payload = read_payload(asked.words, MODES[deed])
    if missing := _find_missing(deed, payload):
        payload = _place(payload, asked) if asked.words else payload
        missing = _find_missing(deed, payload) or missing
        return _offer(deed, payload, missing, asked)
    receipt = asked.desk.ask(payload, asked.key)
    if receipt["status"] == "refused":
        return tell_refusal(deed, receipt)
    return draw_card(asked.desk, receipt["run_id"])


def _place(payload: Json, asked: Asked) -> Json:
    """Put words that stood at each other's places at their own, as nothing starts yet."""
    try:
        asked.desk.validate(payload)
    except DeskAnswerError as error:
        return reorder({"request": payload, "problems": error.problems}) or payload
    return payload


def _find_missing(deed: str, payload: Json) -> str | None:
    needed = next((one for one in _NEEDED if one not in payload), None)
    if not needed and payload["options"].get("rr_target") == ASK:
        return "rr_target"
    has_period = any(one in payload for one in ("last", "start", "end"))
    return needed or (None if deed == "analyze" or has_period else "last")


def step(asked: Asked) -> Answer:
    """Go on with a request that is put together by buttons, and sum it up in the end."""
    deed, *words = asked.words
    payload = read_payload(words, MODES.get(deed, "backtest"))
    if missing := _find_missing(deed, payload):
        return _offer(deed, payload, missing, asked)
    return _sum_up(deed, payload, asked)


def _offer(deed: str, payload: Json, missing: str, asked: Asked) -> Answer:
    options = {name: one for name, one in payload["options"].items() if one != ASK}
    payload = {**payload, "options": options}
    said = write_words(payload)
    choices = (
        Button(label, f"step {deed} {said} {word}".strip())
        for label, word in _list_choices(missing, payload, asked)
    )
    across = 1 if missing == "setup_id" else ACROSS
    return offer(market(payload) if said else "", say(_QUESTIONS[missing]), choices, across=across)


def _list_choices(missing: str, payload: Json, asked: Asked) -> list[tuple[str, str]]:
    if missing == "rr_target":
        rule = (say("As the rule says"), "")
        return [*((f"{rr}", f"rr={rr}") for rr in _RR_TARGETS), rule]
    if missing == "setup_id":
        found = list_setup_ids(asked)
    elif missing == "symbol":
        found = list_known_symbols(asked)
    elif missing == "timeframe":
        found = list_timeframes(asked, [payload["setup_id"]])
    else:
        found = list(_PERIODS)
    return [(one, f"{missing}={one}") for one in found]


def _sum_up(deed: str, payload: Json, asked: Asked) -> Answer:
    try:
        answer = asked.desk.validate(payload)
    except DeskAnswerError as error:
        if not error.problems:
            raise
        return tell_refusal(deed, {"request": payload, "problems": error.problems})
    request, line = answer["request"], f"{deed} {write_words(payload)}"
    text = "\n".join([market(request), period(request), *_foretell(answer)])
    start = Button(say("Start"), line)
    dry = Button(say("Dry run"), f"{line} dry")
    leave = Button(say("Leave it"), "drop")
    first = (start,) if deed == "analyze" else (start, dry)
    change = Button(say("Change…"), f"vary {line}")
    return Answer(text, (first, (change, leave)))


def _foretell(answer: Json) -> list[str]:
    plan = answer["plan"]
    lines = foretell(plan)
    if plan["simulated"]:
        lines.append(f"⚠ {say('A simulated market: good for trying, no proof of anything.')}")
    missing = (answer["coverage"] or {}).get("missing_bars")
    if missing:
        lines.append(say_many("{count} bar is missing.", "{count} bars are missing.", missing))
    if plan["estimated_seconds"] is not None:
        lines.append(duration(plan["estimated_seconds"]))
    return lines


def tell_refusal(deed: str, receipt: Json) -> Answer:
    """Tell every Problem of a request, with a button that asks as it would be accepted."""
    buttons = []
    if (corrected := correct(receipt)) is not None:
        told = ", ".join(tell_correction(one, receipt["request"]) for one in receipt["problems"])
        line = f"{deed} {write_words(corrected)}"
        buttons.append((Button(say("Ask with {values}", values=told)[:60], line),))
    elif (ordered := reorder(receipt)) is not None:
        told = " ".join(filter(None, (market(ordered), ordered.get("last"))))
        line = f"{deed} {write_words(ordered)}"
        buttons.append((Button(say("Ask for {request}", request=told)[:60], line),))
    text = tell_problems(receipt["problems"])
    if any(has_no_place(one, receipt["request"]) for one in receipt["problems"]):
        places = say("Words without = are setup, symbol, timeframe and period, in this order.")
        text = f"{text}\n{places}"
    return Answer(cut(text), tuple(buttons))


def tell_problems(problems: Sequence[Json]) -> str:
    """Tell every Problem, with what is allowed in its place."""
    lines = [say("Refused:")]
    for problem in problems:
        lines.append(f"• {problem['message']}")
        if problem["allowed"]:
            lines.append(f"  {say('Allowed: {list}', list=', '.join(problem['allowed'][:20]))}")
    return cut("\n".join(lines))
